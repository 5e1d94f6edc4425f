-- Sealing and freezing: what an hour's records will say to the marketplace, for ever. docs/metering.md holds the argument.

-- As before (migrations/0008), with the key without its payer, a word on tags, and a tenant's own limits.
create or replace function roll_usage(p_limits jsonb, p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_roll usage_rolls;
  v_sealed timestamptz;
  v_closing text[];
  v_marks jsonb;
  v_mark record;
begin
  if not pg_try_advisory_xact_lock(7355, 2) then
    return false;
  end if;
  -- Read before anything is summed: what ends meanwhile is for the next time.
  select * into v_roll from usage_rolls;
  select sealed_through into v_sealed from usage_gate;
  select coalesce(array_agg(tenant_id), '{}') into v_closing from usage_closings where gated and sealed_at is null;
  if v_roll.noted = v_roll.rolled and v_roll.summed_through = v_sealed and v_closing = '{}'
     and v_roll.rolled_at between p_now - interval '1 minute' and p_now then
    return false;
  end if;

  with sums as materialized (
    select e.tenant_id, e.dimension, e.billed_hour as hour, sum(e.quantity) as quantity, count(*) as events,
           bool_or(e.tags is not null) as tagged, e.billed_hour <= v_sealed or e.tenant_id = any(v_closing) as seals
    from usage_events e where e.billed_hour > v_roll.summed_through
    group by e.tenant_id, e.dimension, e.billed_hour
  ), changed as materialized (
    select s.*, s.quantity - coalesce(r.quantity, 0) as more
    from sums s left join usage_records r
      on r.tenant_id = s.tenant_id and r.hour = s.hour and r.dimension = s.dimension
    where r.state is null or (r.state = 'open' and (r.events <> s.events or s.seals))
  ), written as (
    insert into usage_records as r (tenant_id, hour, dimension, quantity, events, tagged, state, sealed_at)
    select tenant_id, hour, dimension, quantity, events, tagged, case when seals then 'sealed' else 'open' end,
           case when seals then p_now end
    from changed
    on conflict (tenant_id, hour, dimension) do update
      set quantity = excluded.quantity, events = excluded.events, tagged = excluded.tagged, state = excluded.state,
          sealed_at = excluded.sealed_at
      where r.state = 'open'
  ), months as (
    insert into usage_months as m (tenant_id, month, dimension, quantity)
    select tenant_id, date_trunc('month', hour, 'UTC'), dimension, sum(more) from changed
    group by 1, 2, 3 having sum(more) > 0
    on conflict (tenant_id, month, dimension) do update set quantity = m.quantity + excluded.quantity
    returning m.*
  )
  select jsonb_agg(jsonb_build_object('tenant', m.tenant_id, 'month', m.month, 'dimension', m.dimension,
                                      'quantity', m.quantity, 'limit', l."limit", 'soft', m.soft_at is null,
                                      'hard', m.hard_at is null and m.quantity >= l."limit"))
  into v_marks
  from months m
  join tenants t on t.id = m.tenant_id and t.state in ('provisioning', 'active', 'suspended')
  left join jsonb_to_recordset(p_limits) as of_plan(plan text, dimension text, "limit" numeric)
    on of_plan.plan = t.plan and of_plan.dimension = m.dimension
  cross join lateral (select coalesce((t.limits->>m.dimension)::numeric, of_plan."limit") as "limit") l
  where m.quantity >= l."limit" * 0.8 and (m.soft_at is null or (m.hard_at is null and m.quantity >= l."limit"));

  for v_mark in select * from jsonb_to_recordset(coalesce(v_marks, '[]')) as m(tenant text, month timestamptz,
                  dimension text, quantity numeric, "limit" numeric, soft boolean, hard boolean)
                order by m.tenant, m.month, m.dimension loop
    perform mark_usage(v_mark.tenant, mark, p_now, jsonb_build_object(
              'dimension', v_mark.dimension, 'quantity', v_mark.quantity, 'limit', v_mark."limit",
              'month', to_char(v_mark.month at time zone 'UTC', 'YYYY-MM')))
    from unnest(array['soft', 'hard'], array[v_mark.soft, v_mark.hard]) as touched(mark, first) where first;
    update usage_months
    set soft_at = coalesce(soft_at, p_now), hard_at = case when v_mark.hard then p_now else hard_at end
    where tenant_id = v_mark.tenant and month = v_mark.month and dimension = v_mark.dimension;
  end loop;

  update usage_closings set sealed_at = p_now where tenant_id = any(v_closing);
  update usage_rolls set summed_through = v_sealed, rolled = v_roll.noted, rolled_at = p_now;
  return true;
end $$;
select door('roll_usage(jsonb, timestamptz)');

drop function find_key(text);
-- Everything needed to judge one API key, and the tenant's own limits. A retiring one without `retires_at` may not end yet.
create function find_key(p_key_id text)
returns table (credential uuid, tenant text, marketplace text, key_hash text, kind text, scopes text[], state text,
               retires_at timestamptz, plan text, tenant_state text, limits jsonb)
language sql stable as $$
  select c.id, c.tenant_id, t.marketplace, c.key_hash, c.kind, c.scopes, c.state,
         case when c.state = 'retiring' then end_of(c) else c.retires_at end, t.plan, t.state, t.limits
  from credentials c join tenants t on t.id = c.tenant_id
  where c.key_id = p_key_id
$$;
select door('find_key(text)');

-- Who pays for an hour, or nothing. A span that had ended before its first hour never paid.
create function payer_of(p_tenant text, p_hour timestamptz) returns setof usage_payers
language sql stable rows 1 as $$
  select p.* from (
    select * from usage_payers where tenant_id = p_tenant and from_hour <= p_hour
      and (ended_at is null or ended_at >= from_hour)
    order by from_hour desc, starts_at desc limit 1) p
  where p.ended_at is null or p_hour < p.ended_at
$$;
revoke all on function payer_of(text, timestamptz) from public;

-- Fixes what the records of the hours that are sealed will say to the marketplace, for ever: who pays, what is included,
-- what is carried over. One at a time, some 20,000 records a call. A record without a payer waits.
-- p_rules = [{marketplace, window_hours, grace_hours, heartbeats}]. Answers whether there was anything to do.
create function freeze_usage(p_rules jsonb, p_dimensions text[], p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_most constant integer := 20000;
  v_hour timestamptz := '-infinity';
  v_after text;
  v_last text;
  v_frozen integer := 0;
  v_made integer;
begin
  if not pg_try_advisory_xact_lock(7355, 4) then
    return false;
  end if;
  perform set_config('work_mem', '64MB', true);
  -- What comes from JSON and from a CTE is taken for a few rows, and there are thousands.
  perform set_config('enable_nestloop', 'off', true);
  loop
    select min(hour) into v_hour from usage_records
    where state = 'sealed' and frozen_at is null and verdict is null and hour > v_hour;
    exit when v_hour is null;
    v_after := '';
    -- Tenant by tenant: no call looks at more of an hour than it fixes, but for what waits.
    loop
      select max(tenant_id) into v_last from (
        select tenant_id from usage_records
        where state = 'sealed' and frozen_at is null and verdict is null and hour = v_hour and tenant_id > v_after
        order by tenant_id limit v_most - v_frozen) slice;
      exit when v_last is null;
      v_frozen := v_frozen + freeze_hour(v_hour, v_after, v_last, p_rules, p_now);
      if v_frozen >= v_most then
        return true;
      end if;
      v_after := v_last;
    end loop;
  end loop;
  v_made := add_empty_records(p_rules, p_dimensions, p_now);
  return v_frozen + v_made > 0;
end $$;

-- Takes the units of records apart by tags: largest remainders, so that the parts add up to the whole. Only what fits is
-- kept: names of 1 to 100 and values of 1 to 256 plain characters, five names and 2,500 parts a record, some 600 kB; what
-- does not fit counts as without tags. p_records = [{tenant, dimension, units, weight}], p_tags = [{tenant, dimension,
-- tags, quantity}]: what of a record's weight is not among them has no tags.
create function allocate_usage(p_records jsonb, p_tags jsonb)
returns table (tenant text, dimension text, allocations jsonb)
language sql stable as $$
  with buckets as (
    select row_number() over () as id, b.* from jsonb_to_recordset(p_tags) as b(tenant text, dimension text, tags jsonb, quantity numeric)
  ), fitting as (
    select b.id, b.tenant, b.dimension, b.quantity, t.name, t.value from buckets b, jsonb_each_text(b.tags) as t(name, value)
    where t.name ~ '^[A-Za-z0-9+ =._:/@-]+$' and length(t.name) <= 100
      and t.value ~ '^[A-Za-z0-9+ =._:/@-]+$' and length(t.value) <= 256
  ), names as (
    select tenant, dimension, name,
           row_number() over (partition by tenant, dimension order by sum(quantity) desc, name collate "C") as place
    from fitting group by 1, 2, 3
  ), reduced as (
    select tenant, dimension, tags, sum(quantity) as quantity
    from (select f.tenant, f.dimension, jsonb_object_agg(f.name, f.value) as tags, f.quantity
          from fitting f join names n on n.tenant = f.tenant and n.dimension = f.dimension and n.name = f.name and n.place <= 5
          group by f.id, f.tenant, f.dimension, f.quantity) kept
    group by 1, 2, 3
  ), ranked as (
    select *, row_number() over largest as place, sum(octet_length(tags::text) + 180) over largest as bytes
    from reduced
    window largest as (partition by tenant, dimension order by quantity desc, tags::text collate "C" rows unbounded preceding)
  ), kept as (
    select tenant, dimension, tags, quantity from ranked where place < 2500 and bytes <= 600000 and quantity > 0
  ), weighed as (
    select r.tenant, r.dimension, r.units, r.weight, k.tags, k.quantity
    from kept k join jsonb_to_recordset(p_records) as r(tenant text, dimension text, units numeric, weight numeric)
      on r.tenant = k.tenant and r.dimension = k.dimension
    union all
    select r.tenant, r.dimension, r.units, r.weight, null, r.weight - k.quantity
    from (select tenant, dimension, sum(quantity) as quantity from kept group by 1, 2) k
    join jsonb_to_recordset(p_records) as r(tenant text, dimension text, units numeric, weight numeric)
      on r.tenant = k.tenant and r.dimension = k.dimension
  ), shared as (
    select tenant, dimension, tags, div(units * quantity, weight) as whole,
           units - sum(div(units * quantity, weight)) over (partition by tenant, dimension) as missing,
           row_number() over (partition by tenant, dimension order by mod(units * quantity, weight) desc, tags is null,
                                                                      tags::text collate "C") as place
    from weighed
  ), parts as (
    select tenant, dimension, tags, whole + case when place <= missing then 1 else 0 end as units from shared
  )
  select tenant, dimension,
         jsonb_agg(jsonb_build_object('units', units, 'tags', coalesce(tags, '{}')) order by units desc, tags::text collate "C")
           filter (where units > 0)
  from parts group by 1, 2 having bool_or(tags is not null and units > 0)
$$;
revoke all on function allocate_usage(jsonb, jsonb) from public;

-- Of the tenants after p_after, up to p_last.
create function freeze_hour(p_hour timestamptz, p_after text, p_last text, p_rules jsonb, p_now timestamptz) returns integer
language plpgsql as $$
declare
  v_count integer;
begin
  with sealed as (
    select r.tenant_id, r.dimension, r.quantity, r.tagged, r.expires_at, rules.marketplace as reports, rules.heartbeats,
           rules.window_hours, rules.grace_hours, p.billing_reference, p.marketplace, p.lot, p.pace, p.bills,
           p.flush_by, greatest(r.hour, p.starts_at) as stamped_at,
           p.bills <> 'none' and (p.dimensions is null or r.dimension = any(p.dimensions)) as metered,
           p.tenant_id is null and rules.marketplace is null
             and not exists (select from usage_payers o where o.tenant_id = r.tenant_id) as not_billed
    from usage_records r
    join tenants t on t.id = r.tenant_id
    left join lateral payer_of(r.tenant_id, p_hour) p on true
    left join jsonb_to_recordset(p_rules) as rules(marketplace text, window_hours integer, grace_hours integer,
                                                   heartbeats boolean)
      on rules.marketplace = coalesce(p.marketplace, t.marketplace)
    where r.hour = p_hour and r.tenant_id > p_after and r.tenant_id <= p_last and t.id > p_after and t.id <= p_last
      and r.state = 'sealed' and r.frozen_at is null and r.verdict is null
  ), due as materialized (
    -- What goes on waiting for a payer is left alone.
    select * from sealed where not_billed or (reports is not null and (billing_reference is not null or expires_at is null))
  ), inclusions as (
    select d.tenant_id, d.dimension, d.quantity, d.billing_reference, i.from_at, greatest(i.quantity - i.used, 0) as free,
           sum(greatest(i.quantity - i.used, 0)) over (partition by d.tenant_id, d.dimension
             order by i.until_at, i.from_at rows unbounded preceding) as so_far
    from due d
    join usage_included i on i.tenant_id = d.tenant_id and i.billing_reference = d.billing_reference
      and i.dimension = d.dimension and i.from_at < p_hour + interval '1 hour' and i.until_at > p_hour
    where d.reports is not null and d.metered and d.bills = 'excess'
  ), taken as materialized (
    select *, least(free, greatest(quantity - (so_far - free), 0)) as take from inclusions
  ), used as (
    update usage_included i set used = i.used + t.take
    from taken t where i.tenant_id = t.tenant_id and i.billing_reference = t.billing_reference
      and i.dimension = t.dimension and i.from_at = t.from_at and t.take > 0
  ), sums as (
    select d.*, coalesce(c.balance, 0) as carried_in,
           case when d.metered then coalesce(i.included, 0) else d.quantity end as included
    from due d
    left join usage_carries c on c.tenant_id = d.tenant_id and c.dimension = d.dimension
    left join (select tenant_id, dimension, sum(take) as included from taken group by 1, 2) i
      on i.tenant_id = d.tenant_id and i.dimension = d.dimension
    where d.reports is not null and d.billing_reference is not null
  ), counted as materialized (
    select s.*, case when metered then least(floor(carried_in + quantity - included), 2147483647) else 0 end as units
    from sums s
  ), carried as materialized (
    select tenant_id, dimension, carried_in, quantity - included - units as more from counted
    where quantity - included - units <> 0
  ), moved as (
    -- By the difference: what expired meanwhile may have been added.
    update usage_carries c set balance = c.balance + m.more
    from carried m where c.tenant_id = m.tenant_id and c.dimension = m.dimension and (m.more < 0 or m.carried_in > 0)
  ), opened as (
    insert into usage_carries as c (tenant_id, dimension, balance)
    select tenant_id, dimension, more from carried where more > 0 and carried_in = 0
    on conflict (tenant_id, dimension) do update set balance = c.balance + excluded.balance
  ), tags as (
    select e.tenant_id, e.dimension, e.tags, sum(e.quantity) as quantity
    from usage_events e join counted c on c.tenant_id = e.tenant_id and c.dimension = e.dimension
    where e.billed_hour = p_hour and e.tags is not null and c.tagged and c.units > 0
      and exists (select from due where tagged)
    group by 1, 2, 3
  ), allocated as materialized (
    select a.* from
      (select jsonb_agg(jsonb_build_object('tenant', tenant_id, 'dimension', dimension, 'units', units,
                                           'weight', carried_in + quantity)) as list from counted where tagged and units > 0) r,
      (select jsonb_agg(jsonb_build_object('tenant', tenant_id, 'dimension', dimension, 'tags', tags, 'quantity', quantity))
         as list from tags) t,
      allocate_usage(r.list, t.list) a
    where r.list is not null and t.list is not null
  ), lots as (
    insert into usage_lots as l (lot, marketplace, pace) select distinct on (lot) lot, marketplace, pace from counted
    on conflict (lot) do update set pace = excluded.pace where l.pace <> excluded.pace
  ), told as (
    update usage_records r set
      frozen_at = p_now, billing_reference = c.billing_reference, lot = c.lot, stamped_at = c.stamped_at,
      carried_in = c.carried_in, included = c.included, units = c.units,
      carried_out = c.carried_in + c.quantity - c.included - c.units, allocations = a.allocations,
      expires_at = least(usage_deadline(c.stamped_at, c.window_hours, c.grace_hours), c.flush_by),
      due_at = case when s.sends then p_now end,
      state = case when s.sends then 'sealed' else 'accepted' end,
      verdict = case when s.sends then null when c.metered then 'nothing_to_bill' else 'not_metered' end,
      accepted_at = case when s.sends then null else p_now end, settled_at = case when s.sends then null else p_now end
    from counted c
    left join allocated a on a.tenant = c.tenant_id and a.dimension = c.dimension
    cross join lateral (select c.units > 0 or (c.heartbeats and c.metered) as sends) s
    where r.tenant_id = c.tenant_id and r.hour = p_hour and r.dimension = c.dimension
      and r.tenant_id > p_after and r.tenant_id <= p_last
      and r.state = 'sealed' and r.frozen_at is null and r.verdict is null
    returning 1
  ), kept as (
    update usage_records r set verdict = 'not_billed', settled_at = p_now
    from due d where d.not_billed and r.tenant_id = d.tenant_id and r.hour = p_hour and r.dimension = d.dimension
      and r.tenant_id > p_after and r.tenant_id <= p_last
      and r.state = 'sealed' and r.frozen_at is null and r.verdict is null
    returning 1
  ), waiting as (
    update usage_records r set expires_at = usage_deadline(p_hour, d.window_hours, d.grace_hours)
    from due d where d.reports is not null and d.billing_reference is null and r.expires_at is null
      and r.tenant_id = d.tenant_id and r.hour = p_hour and r.dimension = d.dimension
      and r.tenant_id > p_after and r.tenant_id <= p_last
      and r.state = 'sealed' and r.frozen_at is null and r.verdict is null
  )
  select (select count(*) from told) + (select count(*) from kept) into v_count;
  return v_count;
end $$;
revoke all on function freeze_hour(timestamptz, text, text, jsonb, timestamptz) from public;

-- Records with a quantity of 0 in the newest hour that is summed: to take a balance, and as signs of life.
create function add_empty_records(p_rules jsonb, p_dimensions text[], p_now timestamptz) returns integer
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
    select c.tenant_id, c.dimension from usage_carries c where c.balance >= 1
    union
    select p.tenant_id, d.dimension from usage_payers p
    join jsonb_to_recordset(p_rules) as rules(marketplace text, heartbeats boolean)
      on rules.marketplace = p.marketplace and rules.heartbeats
    cross join lateral unnest(coalesce(p.dimensions, p_dimensions)) as d(dimension)
    where v_beaten < v_hour and p.from_hour <= v_hour and (p.ended_at is null or v_hour < p.ended_at)
  )
  insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at)
  select w.tenant_id, v_hour, w.dimension, 0, 0, 'sealed', p_now
  from wanted w cross join lateral payer_of(w.tenant_id, v_hour) p
  where p.bills <> 'none' and (p.dimensions is null or w.dimension = any(p.dimensions))
    and exists (select from jsonb_to_recordset(p_rules) as rules(marketplace text) where rules.marketplace = p.marketplace)
  on conflict do nothing;
  get diagnostics v_made = row_count;
  if v_beaten < v_hour then
    update usage_rolls set beaten_through = v_hour;
  end if;
  return v_made;
end $$;
revoke all on function add_empty_records(jsonb, text[], timestamptz) from public;
select door('freeze_usage(jsonb, text[], timestamptz)');
