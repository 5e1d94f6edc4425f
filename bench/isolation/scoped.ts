import type { Scoped, Work } from "../load-job.ts";

const LIST = "order by at desc limit 10";
const COLUMNS = "select id, body, at from";
const WHERE = { name: "where", text: `${COLUMNS} plain_notes where tenant_id = $1 ${LIST}` };
const POLICY = { name: "policy", text: `${COLUMNS} notes ${LIST}` };

/** The same three messages on both sides of each comparison: begun, asked, committed. */
export const scopedWorks: Readonly<Record<Scoped, (subjects: readonly string[]) => Work>> = {
  "where-after-setting": listed((tenant) => [setting(tenant), WHERE, [tenant]]),
  "policy-by-setting": listed((tenant) => [setting(tenant), POLICY, []]),
  where: listed((tenant) => ["begin", WHERE, [tenant]]),
  "policy-by-login": listed(() => ["begin", POLICY, []]),
};

const setting = (tenant: string): string => `begin; select set_config('app.tenant_id', '${tenant}', true)`;

type Asked = readonly [
  begin: string,
  query: { readonly name: string; readonly text: string },
  values: readonly string[],
];

function listed(askedFor: (tenant: string) => Asked): (subjects: readonly string[]) => Work {
  return (subjects) => async (client) => {
    const [begin, query, values] = askedFor(subjects[Math.floor(Math.random() * subjects.length)] ?? "");
    await client.query(begin);
    const { rows } = await client.query({ ...query, values: [...values] });
    await client.query("commit");
    if (rows.length !== 10) throw new Error(`It answered ${rows.length} rows.`);
    return 1;
  };
}
