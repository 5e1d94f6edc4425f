import { tenantStates } from "../../../tenants/tenants.ts";
import { Moment } from "../../time.tsx";
import type { TenantLine, TenantLines, Wanted } from "./find.ts";
import { StateBadge } from "./state-badge.tsx";
import { words } from "./words.ts";

export interface ListProps {
  readonly wanted: Wanted;
  readonly found: TenantLines;
  readonly now: Date;
  readonly titleOf: (marketplace: string) => string;
  readonly first: boolean;
}

/** Every tenant, or those that are wanted. */
export function TenantList(props: ListProps) {
  const { wanted, found, first } = props;
  return (
    <>
      <div class="heading">
        <h1>Tenants</h1>
      </div>
      <Search {...props} />
      <section class="card" aria-label="Tenants that were found">
        {found.lines.length === 0 ? <Nothing {...props} /> : <Lines {...props} />}
        <nav class="deeds" aria-label="Pages">
          {first ? null : <a href={addressOf(wanted)}>First page</a>}
          {found.next === undefined ? null : (
            <a class="button" href={addressOf(wanted, found.next)} rel="next">
              {found.lines.length === 0 ? "Look further" : "Next page"}
            </a>
          )}
          <a href={addressOf(wanted, undefined, "/export.csv")} download>
            All of these as CSV
          </a>
        </nav>
      </section>
    </>
  );
}

function Search({ wanted, found, titleOf }: ListProps) {
  return (
    <search class="card">
      <form class="find" method="get" action="/console/tenants">
        <label class="wide">
          Find
          <input
            type="search"
            name="q"
            value={wanted.q}
            maxLength={200}
            autocomplete="off"
            spellcheck={false}
            placeholder="resource_id, app, e-mail, …"
            aria-describedby="searched"
          />
        </label>
        <Choice
          name="marketplace"
          title="Marketplace"
          chosen={wanted.marketplace}
          among={found.marketplaces}
          say={titleOf}
        />
        <Choice name="plan" title="Plan" chosen={wanted.plan} among={found.plans} />
        <Choice name="state" title="State" chosen={wanted.state} among={tenantStates} />
        <button type="submit" class="main">
          Find
        </button>
        <p class="quiet wide" id="searched">
          Looks at how these begin, in small letters or capitals: tenant id, resource_id (any of a chain, and its last
          part), name, app, owner, e-mail of people with access, number of the account that bought; and for the whole id
          of a request that began something. Not searched: contacts from a sign-up form, which are kept sealed.
        </p>
      </form>
    </search>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly title: string;
  readonly chosen: string | undefined;
  readonly among: readonly string[];
  readonly say?: (value: string) => string;
}

function Choice({ name, title, chosen, among, say = (value) => value }: ChoiceProps) {
  const values = chosen === undefined || among.includes(chosen) ? among : [chosen, ...among];
  return (
    <label>
      {title}
      <select name={name}>
        <option value="">Any</option>
        {values.map((value) => (
          <option key={value} value={value} selected={value === chosen}>
            {say(value)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Lines({ found, now, titleOf }: ListProps) {
  return (
    <table class="stacked lines">
      <thead>
        <tr>
          <th scope="col">Tenant</th>
          <th scope="col">Marketplace</th>
          <th scope="col">Plan</th>
          <th scope="col">State</th>
          <th scope="col">Bought</th>
        </tr>
      </thead>
      <tbody>
        {found.lines.map((line) => (
          <tr key={line.id}>
            <th scope="row">
              <a href={placeOf(line)}>{line.name || line.resource_id}</a>
              <Found line={line} now={now} />
            </th>
            <td data-word="Marketplace">{titleOf(line.marketplace)}</td>
            <td data-word="Plan">{line.plan}</td>
            <td data-word="State">
              <StateBadge state={line.state} />
            </td>
            <td data-word="Bought">
              <Moment at={new Date(line.created_at)} now={now} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const kinds: Readonly<Record<string, string>> = {
  tenant: "tenant id",
  resource: "resource_id",
  name: "name",
  app: "app",
  owner: "owner",
  person: "person with access",
  account: "account",
};

/** The tenant, where what a request began stands in its timeline. */
const placeOf = ({ id, operation }: TenantLine) =>
  `/console/tenants/${id}${operation === undefined ? "" : `#operation-${operation.id}`}`;

/** What it is called besides; or what it was found by. */
function Found({ line: { app, owner, term, kind, operation }, now }: { line: TenantLine; now: Date }) {
  if (operation !== undefined)
    return (
      <span class="quiet">
        request {term}: {words(operation.kind)}, {words(operation.state)},{" "}
        <Moment at={new Date(operation.at)} now={now} />
      </span>
    );
  if (term !== undefined && kind !== undefined && kind !== "name")
    return (
      <span class="quiet">
        {kinds[kind] ?? kind}: {term}
      </span>
    );
  return <span class="quiet">{[app, owner].filter(Boolean).join(" · ")}</span>;
}

function Nothing({ wanted, found }: ListProps) {
  if (found.next !== undefined)
    return <p>None of the first of very many with this name is of that kind. Look further, or say more of the name.</p>;
  const asked = wanted.q ?? wanted.marketplace ?? wanted.plan ?? wanted.state;
  return asked === undefined ? (
    <p>No tenant yet. The first purchase on any marketplace appears here by itself.</p>
  ) : (
    <p>
      Nothing begins like that. Is something left out in front, or is it of another deployment?{" "}
      <a href="/console/tenants">All tenants</a>
    </p>
  );
}

function addressOf(wanted: Wanted, cursor?: string, path = ""): string {
  const given = Object.entries({ ...wanted, cursor }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const query = new URLSearchParams(given).toString();
  return `/console/tenants${path}${query === "" ? "" : `?${query}`}`;
}
