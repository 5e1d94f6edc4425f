-- As before, but of two whose purchase began in the same moment the one that goes on, or goes on longer, pays: the other came
-- and went in between, as when a purchase is renewed twice in one second.
create or replace function payer_of(p_tenant text, p_hour timestamptz) returns setof usage_payers
language sql stable rows 1 as $$
  select p.* from (
    select * from usage_payers where tenant_id = p_tenant and from_hour <= p_hour
      and (ended_at is null or ended_at >= from_hour)
    order by from_hour desc, starts_at desc, ended_at desc nulls first limit 1) p
  where p.ended_at is null or p_hour < p.ended_at
$$;

-- As before, but a record whose payer is known by now, and that is not frozen yet, is left to be frozen: then its units are
-- carried over and not lost. Without p_unpaid no record ends for want of a payer: whoever begins to work after an
-- outage has to hear first who that is.
drop function expire_usage(text[], timestamptz, integer);
create function expire_usage(p_dry text[], p_now timestamptz, p_limit integer, p_unpaid boolean default true) returns jsonb
language plpgsql as $$
declare
  v_expired jsonb;
  v_told jsonb;
begin
  with late as materialized (
    select r.tenant_id, r.hour, r.dimension, coalesce(r.units, r.quantity) as units,
           case when r.frozen_at is null then 'no_payer'
                when r.parked is not null and r.attempts = r.definite then r.parked
                else too_late(r.tenant_id, r.attempts > r.definite) end as verdict
    from usage_records r
    where r.state in ('sealed', 'sent') and r.verdict is null and r.expires_at <= p_now
      and (r.lease is null or r.due_at <= p_now)
      and (r.frozen_at is not null or (p_unpaid and not exists (select from payer_of(r.tenant_id, r.hour))))
      and (p_dry = '{}' or not exists (select from tenants t where t.id = r.tenant_id and t.marketplace = any(p_dry)))
    order by r.expires_at limit p_limit for update skip locked
  ), carried as (
    insert into usage_carries as c (tenant_id, dimension, balance)
    select tenant_id, dimension, sum(units) from late where verdict = 'carried_over'
    group by 1, 2 having sum(units) > 0 order by 1, 2
    on conflict (tenant_id, dimension) do update set balance = c.balance + excluded.balance
  ), ended as (
    update usage_records r set verdict = l.verdict, settled_at = p_now, due_at = null, lease = null,
      state = case l.verdict when 'not_subscribed' then 'refused' else 'expired' end
    from late l where r.tenant_id = l.tenant_id and r.hour = l.hour and r.dimension = l.dimension
  )
  select jsonb_agg(jsonb_build_object('verdict', verdict, 'tenant', tenant_id, 'units', units)),
         jsonb_agg(jsonb_build_object('tenant', tenant_id, 'type', 'usage.lost', 'told', jsonb_build_object(
           'hour', hour, 'dimension', dimension, 'units', units, 'why', verdict)))
           filter (where verdict <> 'carried_over' and units > 0)
  into v_expired, v_told from late;
  perform tell_of_usage(coalesce(v_told, '[]'), p_now);
  return coalesce(v_expired, '[]');
end $$;
select door('expire_usage(text[], timestamptz, integer, boolean)');
