-- A removal can overtake the provision it takes back. It then leaves a tombstone without a request digest, which that
-- provision finds and nobody else: to everybody else such a purchase was never known.

-- Answers the tenant that there is after all: who writes the row first is waited for.
create function forestall_provision(p_id text, p_marketplace text, p_resource_id text, p_now timestamptz)
returns text language plpgsql as $$
begin
  insert into tenants (id, marketplace, resource_id, plan, state, request_digest, created_at, changed_at, ended_at)
  values (p_id, p_marketplace, p_resource_id, '', 'gone', '', p_now, p_now, p_now)
  on conflict (marketplace, resource_id) do nothing;
  return (select t.id from tenants t
          where t.marketplace = p_marketplace and t.resource_id = p_resource_id and t.request_digest <> '');
end $$;
select door('forestall_provision(text, text, text, timestamptz)');

create or replace function find_tenant(p_marketplace text, p_id text)
returns jsonb language sql stable as $$
  select to_jsonb(t) from tenants t
  where t.marketplace = p_marketplace and (t.resource_id = p_id or t.id = p_id) and t.request_digest <> ''
  order by (t.resource_id = p_id) desc limit 1
$$;
select door('find_tenant(text, text)');

create or replace function list_tenants(p_marketplace text, p_resource_id text, p_after text, p_limit integer)
returns setof jsonb language sql stable as $$
  select to_jsonb(t) from tenants t
  where (p_marketplace is null or t.marketplace = p_marketplace)
    and (p_resource_id is null or t.resource_id = p_resource_id)
    and (p_after is null or t.id > p_after)
    and t.request_digest <> ''
  order by t.id limit p_limit
$$;
select door('list_tenants(text, text, text, integer)');
