-- What a marketplace calls a tenant besides its first name: renewals and replacements bring keys of their own.
create table resource_ids (
  tenant_id   text not null references tenants (id),
  marketplace text not null,
  resource_id text not null,
  primary key (marketplace, resource_id)
);
create index resource_ids_tenant on resource_ids (tenant_id);
select wall('resource_ids', 'tenant_id');
select app_may('select on resource_ids');

-- By the marketplace's id or by ours; the marketplace's wins. A key that was given on names the tenant that has it now.
create or replace function find_tenant(p_marketplace text, p_id text)
returns jsonb language sql stable as $$
  with later as (
    select r.tenant_id from resource_ids r where r.marketplace = p_marketplace and r.resource_id = p_id
  )
  select to_jsonb(t) from tenants t
  where t.marketplace = p_marketplace and t.request_digest <> ''
    and (t.resource_id = p_id or t.id = p_id or t.id = (select tenant_id from later))
  order by coalesce(t.id = (select tenant_id from later), false) desc, t.resource_id = p_id desc
  limit 1
$$;
select door('find_tenant(text, text)');

create or replace function list_tenants(p_marketplace text, p_resource_id text, p_after text, p_limit integer)
returns setof jsonb language sql stable as $$
  select to_jsonb(t) from tenants t
  where (p_marketplace is null or t.marketplace = p_marketplace)
    and (p_resource_id is null
         or t.id in (select r.tenant_id from resource_ids r
                     where r.resource_id = p_resource_id and (p_marketplace is null or r.marketplace = p_marketplace))
         or (t.resource_id = p_resource_id
             and not exists (select from resource_ids r
                             where r.resource_id = p_resource_id and r.marketplace = t.marketplace)))
    and (p_after is null or t.id > p_after)
    and t.request_digest <> ''
  order by t.id limit p_limit
$$;
select door('list_tenants(text, text, text, integer)');
