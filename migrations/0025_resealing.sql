-- Where sealed values lie, so that they can be sealed again under another key of the ring. A migration that adds a column
-- of such values adds its row here; test/reseal.test.ts looks for columns that are missing.
create table sealed_places (
  place       text primary key,
  relation    name not null,
  key_columns name[] not null,
  -- The value in a row x; how it is put back from a row r (value, hash) into x; what else its seal is bound to.
  value_of    text not null,
  put         text not null,
  bound_to    text not null default 'null'
);
insert into sealed_places (place, relation, key_columns, value_of, put, bound_to) values
  ('credentials.sealed', 'credentials', '{tenant_id,id}', 'x.sealed',
   -- The hash by which an API key is known was made with the same key of the ring.
   'sealed = r.value, key_hash = case when x.key_hash is null then null else coalesce(r.hash, x.key_hash) end', 'x.kind'),
  ('tenants.kept_sealed', 'tenants', '{id}', 'x.kept_sealed', 'kept_sealed = r.value', default),
  ('tenants.product_config_sealed', 'tenants', '{id}', 'x.product_config_sealed', 'product_config_sealed = r.value', default),
  ('token_keys.sealed', 'token_keys', '{kid}', 'x.sealed', 'sealed = r.value', default),
  ('heroku_grants.access_sealed', 'heroku_grants', '{tenant_id}', 'x.access_sealed', 'access_sealed = r.value', default),
  ('heroku_grants.refresh_sealed', 'heroku_grants', '{tenant_id}', 'x.refresh_sealed', 'refresh_sealed = r.value', default),
  ('heroku_webhooks.secrets_sealed', 'heroku_webhooks', '{tenant_id}', 'x.secrets_sealed', 'secrets_sealed = r.value', default),
  ('owed_calls.payload', 'owed_calls', '{tenant_id,sequence}', 'x.payload->>''sealed''',
   'payload = jsonb_set(x.payload, ''{sealed}'', to_jsonb(r.value))',
   '(select t.resource_id from tenants t where t.id = x.tenant_id)'),
  ('aws_tokens.sealed', 'aws_tokens', '{digest}', 'x.sealed', 'sealed = r.value', default),
  ('aws_licences.contact_sealed', 'aws_licences', '{key}', 'x.contact_sealed', 'contact_sealed = r.value', default);
-- The secrets of an endpoint lie in one column: each has a place. One whose number changes meanwhile is left as it is.
insert into sealed_places (place, relation, key_columns, value_of, put, bound_to)
select 'endpoints.secrets.' || n, 'endpoints', '{id}', format('(x.secrets->%s->>''sealed'')', n),
       format('secrets = jsonb_set(x.secrets, ''{%s,sealed}'', to_jsonb(r.value))', n), format('x.secrets->%s->>''id''', n)
from generate_series(0, 3) n;

-- How many values of a place each key of the ring has sealed.
create function sealed_counts(p_place text) returns table (key_id text, sealed bigint) language plpgsql as $$
declare
  v_place sealed_places;
begin
  select * into strict v_place from sealed_places where place = p_place;
  return query execute format(
    'select split_part(%1$s, ''.'', 2), count(*) from %2$I x where %1$s is not null group by 1',
    v_place.value_of, v_place.relation);
end $$;
select door('sealed_counts(text)');

-- The next rows whose value another key has sealed, in the order of their key.
create function sealed_page(p_place text, p_key_id text, p_after text[], p_limit integer)
returns table (row_key text[], value text, bound_to text) language plpgsql as $$
declare
  v_place sealed_places;
  v_columns text;
  v_texts text;
  v_after text;
begin
  select * into strict v_place from sealed_places where place = p_place;
  select string_agg(format('x.%I', a.attname), ', ' order by k.n),
         string_agg(format('x.%I::text', a.attname), ', ' order by k.n),
         string_agg(format('$2[%s]::%s', k.n, format_type(a.atttypid, a.atttypmod)), ', ' order by k.n)
  into v_columns, v_texts, v_after
  from unnest(v_place.key_columns) with ordinality k(name, n)
  join pg_attribute a on a.attrelid = v_place.relation::text::regclass and a.attname = k.name;
  return query execute format(
    'select array[%1$s], %2$s, (%3$s)::text from %4$I x
     where %2$s is not null and split_part(%2$s, ''.'', 2) <> $1 %5$s order by %6$s limit $3',
    v_texts, v_place.value_of, v_place.bound_to, v_place.relation,
    case when p_after is null then '' else format('and (%s) > (%s)', v_columns, v_after) end, v_columns)
  using p_key_id, p_after, p_limit;
end $$;
select door('sealed_page(text, text, text[], integer)');

-- Puts values sealed again in the place of what was read, and of nothing else: what was changed or revoked meanwhile stays.
-- [{key, old, value, hash}]
create function put_resealed(p_place text, p_rows jsonb) returns integer language plpgsql as $$
declare
  v_place sealed_places;
  v_match text;
  v_count integer;
begin
  select * into strict v_place from sealed_places where place = p_place;
  select string_agg(format('x.%I = (r.key->>%s)::%s', a.attname, k.n - 1, format_type(a.atttypid, a.atttypmod)), ' and ')
  into v_match
  from unnest(v_place.key_columns) with ordinality k(name, n)
  join pg_attribute a on a.attrelid = v_place.relation::text::regclass and a.attname = k.name;
  execute format(
    'update %I x set %s from jsonb_to_recordset($1) as r(key jsonb, old text, value text, hash text) where %s and %s = r.old',
    v_place.relation, v_place.put, v_match, v_place.value_of)
  using p_rows;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
select door('put_resealed(text, jsonb)');
