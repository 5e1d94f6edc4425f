-- As before, and at once into the hour in which a purchase ends: its usage is closed and sealed, so that hour takes nothing
-- any more, and what is left over has no later one.
create or replace function add_empty_records(p_rules jsonb, p_dimensions text[], p_now timestamptz) returns integer
language plpgsql as $$
declare
  v_hour timestamptz;
  v_beaten timestamptz;
  v_made integer;
begin
  select summed_through, beaten_through into v_hour, v_beaten from usage_rolls;
  if v_hour = 'epoch' then
    return 0;
  end if;
  with wanted as (
    select c.tenant_id, v_hour as hour, c.dimension from usage_carries c where c.balance >= 1
    union
    select c.tenant_id, l.hour, c.dimension from usage_carries c
    -- One look at each index for each balance: neither table is read whole.
    cross join lateral (
      select p.ended_at, date_trunc('hour', p.ended_at, 'UTC') as hour from usage_payers p
      where p.tenant_id = c.tenant_id and p.flush_by > p_now order by p.ended_at desc limit 1) l
    cross join lateral (
      select from usage_closings e where e.tenant_id = c.tenant_id and e.sealed_at is not null limit 1) closed
    where c.balance >= 1 and l.hour > v_hour and l.hour < l.ended_at
    union
    select p.tenant_id, v_hour, d.dimension from usage_payers p
    join jsonb_to_recordset(p_rules) as rules(marketplace text, heartbeats boolean)
      on rules.marketplace = p.marketplace and rules.heartbeats
    cross join lateral unnest(coalesce(p.dimensions, p_dimensions)) as d(dimension)
    where v_beaten < v_hour and p.from_hour <= v_hour and (p.ended_at is null or v_hour < p.ended_at)
  )
  insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at)
  select w.tenant_id, w.hour, w.dimension, 0, 0, 'sealed', p_now
  from wanted w cross join lateral payer_of(w.tenant_id, w.hour) p
  where p.bills <> 'none' and (p.dimensions is null or w.dimension = any(p.dimensions))
    and exists (select from jsonb_to_recordset(p_rules) as rules(marketplace text) where rules.marketplace = p.marketplace)
  on conflict do nothing;
  get diagnostics v_made = row_count;
  if v_beaten < v_hour then
    update usage_rolls set beaten_through = v_hour;
  end if;
  return v_made;
end $$;
