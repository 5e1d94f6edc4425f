import type { Query } from "../postgres.ts";

/** What stands in the addresses of the pages. */
interface Names {
  readonly id: string;
  readonly resource_id: string;
  readonly name: string;
  readonly app: string;
  readonly person: string;
  readonly arn: string;
  readonly account: string;
  readonly hour: string;
  readonly day: string;
}

/** Every page of the console, by what it is called in the table. The tenant is the one with the longest history. */
export async function pagesOf(query: Query): Promise<ReadonlyMap<string, string>> {
  const [names] = await query<Names>(NAMES);
  if (names === undefined) throw new Error("There is no tenant to look at.");
  const { id, resource_id, name, app, person, arn, account, hour, day } = names;
  const find = (q: string) => `/tenants?${new URLSearchParams({ q })}`;
  const endpoint = `/endpoints/ep_${"a".repeat(26)}`;
  const before = Buffer.from(JSON.stringify({ event: 1_500, call: 700 })).toString("base64url");
  return new Map([
    ["home", ""],
    ["tenants", "/tenants"],
    ["tenants of a marketplace", "/tenants?marketplace=aws"],
    ["tenants of a plan", "/tenants?plan=premium"],
    ["tenants in a state", "/tenants?state=suspended"],
    ["tenants, all filters", "/tenants?marketplace=heroku&plan=basic&state=gone"],
    ["find an id", find(id)],
    ["find a resource_id", find(resource_id)],
    ["find a name", find(name)],
    ["find the beginning of many", find("acme")],
    ["find an app", find(app)],
    ["find a person", find(person)],
    ["find an ARN", find(arn)],
    ["find a part of an ARN", find(arn.slice(arn.lastIndexOf(":") + 1))],
    ["find an AWS account", find(account)],
    ["find nobody", find("zzzz")],
    ["a tenant", `/tenants/${id}`],
    ["a tenant, earlier", `/tenants/${id}?before=${before}`],
    ["form of an act", `/tenants/${id}/acts/suspend`],
    ["metering", "/metering"],
    ["a tenant's day", `/metering/${id}?day=${day}`],
    ["dry run", `/metering/${id}/dry-run`],
    ["a record", `/metering/${id}/record?${new URLSearchParams({ hour, dimension: "requests" })}`],
    ["reconcile", "/metering/reconcile"],
    ["calls that fail", "/deliveries"],
    ["calls that wait", "/deliveries?of=calls&state=waiting"],
    ["calls given up", "/deliveries?of=calls&state=given_up"],
    ["operations that fail", "/deliveries?of=operations&state=failing"],
    ["operations given up", "/deliveries?of=operations&state=given_up"],
    ["endpoints", "/endpoints"],
    ["an endpoint", endpoint],
    ["an endpoint, failed", `${endpoint}?show=failed`],
    ["usage", "/usage"],
    ["usage by plan", "/usage?range=30d&by=plan"],
    ["usage, file", "/usage/export.csv"],
    ["revenue", "/revenue"],
    ["marketplaces", "/marketplaces"],
    ["people", "/people"],
    ["audit", "/audit"],
    ["audit by whom", "/audit?by=operator%3Aperson7%40acme-search.example"],
    ["audit of days", `/audit?from=${day}&until=${day}&action=person.signed_in`],
    ["audit of a tenant", `/audit?chain=${id}`],
  ]);
}

const NAMES = `
select t.id, t.resource_id, t.name, t.facts->>'app' as app, (select p.email from people p where p.tenant_id = t.id) as person,
  l.arn, l.account, d.day, d.day || 'T05:00Z' as hour
from (select * from tenants where marketplace = 'heroku' and state = 'active' order by id limit 1) t,
     (select arn, account from aws_licences where tenant_id is not null order by key limit 1) l,
     (select to_char((now() - interval '3 days') at time zone 'UTC', 'YYYY-MM-DD') as day) d`;
