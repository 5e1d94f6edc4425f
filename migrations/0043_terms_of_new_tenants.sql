-- A purchase is new: nothing of it has to be looked up or taken away again, so what it can be found by is only added. The
-- statements are planned once for a connection, which costs a purchase less than the look did.
create function console_add_tenants() returns trigger language plpgsql as $$
begin
  insert into tenant_terms (tenant_id, kind, term)
  select f.id, n.kind, left(lower(n.name), 200) from fresh f
  cross join lateral (values ('tenant', f.id), ('resource', f.resource_id), ('name', f.name),
                             ('app', f.facts->>'app'), ('owner', f.facts->>'owner'),
                             ('resource', case when f.resource_id ~ '[:/]'
                                               then regexp_replace(f.resource_id, '^.*[:/]', '') end)) as n(kind, name)
  where f.request_digest <> '' and n.name <> ''
  on conflict do nothing;
  return null;
end $$;
create function console_add_resources() returns trigger language plpgsql as $$
begin
  insert into tenant_terms (tenant_id, kind, term)
  select f.tenant_id, 'resource', left(lower(n.name), 200) from fresh f
  cross join lateral (values (f.resource_id), (case when f.resource_id ~ '[:/]'
                                                    then regexp_replace(f.resource_id, '^.*[:/]', '') end)) as n(name)
  where n.name <> ''
  on conflict do nothing;
  return null;
end $$;
create function console_add_people() returns trigger language plpgsql as $$
begin
  insert into tenant_terms (tenant_id, kind, term)
  select f.tenant_id, 'person', left(lower(f.email), 200) from fresh f where f.email <> ''
  on conflict do nothing;
  return null;
end $$;
select door('console_add_tenants()');
select door('console_add_resources()');
select door('console_add_people()');

drop trigger found_new on tenants;
create trigger found_new after insert on tenants referencing new table as fresh
  for each statement execute function console_add_tenants();
drop trigger found_new on resource_ids;
create trigger found_new after insert on resource_ids referencing new table as fresh
  for each statement execute function console_add_resources();
drop trigger found_new on people;
create trigger found_new after insert on people referencing new table as fresh
  for each statement execute function console_add_people();
drop function console_note_tenants();
