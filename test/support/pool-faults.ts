/** What else the command is told. */
export interface More {
  readonly column?: string;
  readonly vendors?: readonly string[];
  readonly excused?: readonly string[];
  readonly environment?: string;
}

export type Planted = readonly [what: string, sql: string, as: "vendor" | "superuser", said: RegExp, more?: More];

/** What each of these makes of a sound table named `t`, and what is said about it. */
export const planted: readonly (readonly [
  what: string,
  sql: string,
  as: "vendor" | "superuser",
  said: RegExp,
  more?: More,
])[] = [
  [
    "a column that may be null",
    "alter table t alter tenant_id drop not null",
    "vendor",
    /tenant_id may be null: .*alter table public.t alter tenant_id set not null/,
  ],
  [
    "a column of numbers",
    "alter table t drop tenant_id; alter table t add tenant_id bigint not null",
    "vendor",
    /tenant_id is of type bigint, which cannot hold/,
  ],
  [
    "a column of uuids",
    "alter table t drop tenant_id; alter table t add tenant_id uuid not null",
    "vendor",
    /is of type uuid, which cannot hold/,
  ],
  [
    "a column too short",
    "alter table t alter tenant_id type varchar(25)",
    "vendor",
    /is of type character varying\(25\), which cannot hold/,
  ],
  [
    "a padded column",
    "alter table t alter tenant_id type char(26)",
    "vendor",
    /is of type character\(26\), which cannot hold/,
  ],
  [
    "a column that takes capitals for small letters",
    `create collation blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
     alter table t alter tenant_id type text collate blind`,
    "vendor",
    /inexact collation blind/,
  ],
  [
    "a default of its own",
    "alter table t alter tenant_id set default 'x'",
    "vendor",
    /has the default 'x'::text: drop it/,
  ],
  [
    "an owner that is a tenant",
    "alter table t owner to TENANT",
    "superuser",
    /^public.t belongs to .*, which tenants can act as/,
  ],
  [
    "an owner that is their group",
    "alter table t owner to GROUP",
    "superuser",
    /^public.t belongs to .*, which tenants can act as/,
  ],
  [
    "an owner that tenants are members of",
    "alter table t owner to CLUB",
    "superuser",
    /^public.t belongs to .*, which tenants can act as/,
  ],
  [
    "an owner that is a superuser",
    "alter table t owner to postgres",
    "superuser",
    /^public.t belongs to postgres, which no policy binds/,
  ],
  [
    "an owner we are no member of",
    "alter table t owner to STRANGER",
    "superuser",
    /_stranger, and the login of TENANT_DATABASE_URL, .*stallholder_tenants, may not change it/,
  ],
  [
    "a key without the tenant",
    "alter table t add primary key (id)",
    "vendor",
    /^public.t_pkey is unique over all tenants/,
  ],
  [
    "a unique index on an expression",
    "create unique index named on t (lower(item))",
    "vendor",
    /^public.named is unique over all tenants/,
  ],
  [
    "an exclusion",
    "alter table t add constraint apart exclude (item with =)",
    "vendor",
    /^public.apart is unique over all tenants/,
  ],
  [
    "a reference to another table of tenants by one column",
    "create table parents (tenant_id text, id uuid primary key); alter table t add constraint child foreign key (id) references parents (id)",
    "vendor",
    /^child on public.t refers to public.parents without the tenant's column/,
  ],
  [
    "a reference from elsewhere by one column",
    "create unique index whole on t (id); create table children (id uuid references t (id))",
    "vendor",
    /^children_id_fkey on public.children refers to public.t without/,
    { excused: ["whole"] },
  ],
  [
    "a view",
    "create view seen as select * from t; grant select on seen to GROUP",
    "vendor",
    /^public.seen is a view that reads with the rights of/,
  ],
  [
    "a view of a superuser",
    "create view seen as select * from t; grant select on seen to public",
    "superuser",
    /rights of postgres, whom no policy binds/,
  ],
  [
    "a view of a view",
    "create view v as select * from t; create view seen as select * from v; grant select on seen to CLUB",
    "superuser",
    /^public.seen is a view/,
  ],
  [
    "a view of which one column is given",
    "create view seen as select * from t; grant select (item) on seen to TENANT",
    "superuser",
    /^public.seen is a view/,
  ],
  [
    "a materialized view",
    "create materialized view kept as select * from t; grant select on kept to GROUP",
    "vendor",
    /^public.kept is a materialized view: a copy/,
  ],
  ["a rule", "create rule also as on insert to t do also notify t", "vendor", /^also on public.t is a rule/],
  [
    "a rule of another table",
    "create table others (n int); grant insert on others to GROUP; create rule wipe as on insert to others do also delete from t",
    "vendor",
    /^wipe on public.others is a rule/,
  ],
  [
    "a function that reads it with its owner's rights",
    "create function all_items() returns setof text language sql security definer as 'select item from t'",
    "vendor",
    /^public.all_items\(\) reads public.t with the rights of .*tenants may call it/,
  ],
  [
    "the same with a parsed body",
    "create function all_items() returns bigint language sql security definer begin atomic select count(*) from t; end",
    "vendor",
    /^public.all_items\(\) reads public.t with the rights of/,
  ],
  ["TRUNCATE", "grant truncate on t to GROUP", "vendor", /gives TRUNCATE to .*, which goes past row level security/],
  ["REFERENCES", "grant references on t to TENANT", "superuser", /gives REFERENCES to/],
  ["TRIGGER", "grant trigger on t to CLUB", "superuser", /gives TRIGGER to/],
  [
    "a grant to everybody",
    "grant select on t to public",
    "vendor",
    /gives SELECT to everybody: revoke all on public.t from public/,
  ],
  ["a column for everybody", "grant select (item) on t to public", "vendor", /gives SELECT to everybody/],
  [
    "a serial number",
    "alter table t add n serial",
    "vendor",
    /^public.t.n takes its default from the sequence public.t_n_seq/,
  ],
  [
    "a sequence that is readable",
    "alter table t add n int generated always as identity; grant select on sequence t_n_seq to GROUP",
    "vendor",
    /^public.t_n_seq is a sequence that counts over all tenants/,
  ],
  [
    "a policy of its own",
    "create policy shared on t using (item = 'shared')",
    "vendor",
    /^shared on public.t is a permissive policy of its own/,
  ],
  [
    "a child that inherits",
    "create table heirs () inherits (t)",
    "vendor",
    /^public.heirs inherits from public.t: its rows/,
  ],
  [
    "a parent",
    "create table parents (n int); alter table t add n int; alter table t inherit parents",
    "vendor",
    /^public.t inherits from public.parents/,
  ],
  [
    "an app role that is not there",
    "select",
    "vendor",
    /^nobody_here there is no such role/,
    { vendors: ["nobody_here"] },
  ],
  ["an app role that is a superuser", "select", "vendor", /^postgres is bound by no policy/, { vendors: ["postgres"] }],
];
