-- An operator wants what waits of a tenant to be sent now: no waiting for a next try, for newer news of the purchase, or
-- for a lot that rests. What somebody is sending at the moment is left alone. Answers how many records that concerned.
create function hurry_usage(p_tenant text) returns integer
language plpgsql as $$
declare
  v_lots text[];
  v_count integer;
begin
  with hurried as (
    update usage_records r set parked = null, due_at = r.stamped_at
    where r.tenant_id = p_tenant and r.state in ('sealed', 'sent') and r.verdict is null and r.lot is not null
      and r.lease is null and (r.due_at is null or r.due_at > r.stamped_at)
    returning r.lot
  )
  select array_agg(distinct lot), count(*) into v_lots, v_count from hurried;
  update usage_lots set due_at = 'epoch' where lot = any(v_lots);
  return v_count;
end $$;
select door('hurry_usage(text)');
