-- What a customer wants to be told of its usage, and for which period it was told last.
create table usage_alerts (
  tenant_id     text not null references tenants (id),
  id            uuid not null,
  dimension     text not null,
  -- Of the limit for the calendar month, or of what contracts include in their period.
  share_of      text not null check (share_of in ('limit', 'included')),
  percent       integer not null check (percent between 1 and 1000),
  -- One of both: an address that the vendor's mailer writes to, or a webhook of the customer's own.
  email         text,
  url           text,
  secret_sealed text,
  created_by    text not null,
  created_at    timestamptz not null,
  -- The beginning of the period for which it was raised last.
  raised_for    timestamptz,
  raised_at     timestamptz,
  primary key (tenant_id, id),
  check ((email is null) <> (url is null) and (url is null) = (secret_sealed is null))
);
select wall('usage_alerts', 'tenant_id');
select app_may('select, insert, delete on usage_alerts');

insert into sealed_places (place, relation, key_columns, value_of, put, bound_to) values
  ('usage_alerts.secret_sealed', 'usage_alerts', '{tenant_id,id}', 'x.secret_sealed', 'secret_sealed = r.value', default);

-- Raises each alert whose share is used, once for its period: an event, and a call to the customer's webhook where there is
-- one. A month is looked at for an hour longer, while its last hour is still counted. Any number may run it at once.
create function raise_usage_alerts(p_limits jsonb, p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_one record;
  v_alert usage_alerts;
  v_data jsonb;
  v_raised boolean := false;
begin
  if not exists (select from usage_alerts) then
    return false;
  end if;
  for v_one in
    with of_plans as materialized (
      select * from jsonb_to_recordset(p_limits) as l(plan text, dimension text, "limit" numeric)
    )
    select a.tenant_id, a.id, c.* from usage_alerts a
    join tenants t on t.id = a.tenant_id and t.state in ('provisioning', 'active', 'suspended')
    cross join lateral (
      select m.month as since, m.quantity, coalesce((t.limits->>a.dimension)::numeric, l."limit") as whole
      from usage_months m left join of_plans l on l.plan = t.plan and l.dimension = a.dimension
      where a.share_of = 'limit' and m.tenant_id = a.tenant_id and m.dimension = a.dimension
        and m.month >= date_trunc('month', p_now - interval '1 hour', 'UTC')
        and m.month + interval '1 month' > a.created_at
      union all
      select max(i.from_at), sum(i.used), sum(i.quantity) from usage_included i
      where a.share_of = 'included' and i.tenant_id = a.tenant_id and i.dimension = a.dimension
        and i.from_at <= p_now and i.until_at > p_now
    ) c
    where c.quantity > 0 and c.quantity * 100 >= c.whole * a.percent and c.since > coalesce(a.raised_for, '-infinity')
    order by a.tenant_id, a.id, c.since limit 200
  loop
    -- The tenant is locked before what is its own, as everywhere.
    perform from tenants where id = v_one.tenant_id for no key update;
    update usage_alerts set raised_for = v_one.since, raised_at = p_now
    where tenant_id = v_one.tenant_id and id = v_one.id and v_one.since > coalesce(raised_for, '-infinity')
    returning * into v_alert;
    continue when not found;
    v_raised := true;
    v_data := jsonb_strip_nulls(jsonb_build_object(
      'alert', v_alert.id, 'dimension', v_alert.dimension, 'of', v_alert.share_of, 'percent', v_alert.percent,
      'quantity', v_one.quantity, 'limit', v_one.whole, 'email', v_alert.email,
      'since', to_char(v_one.since at time zone 'UTC', 'YYYY-MM-DD')));
    perform append_event(v_alert.tenant_id, 'usage.alert', 'job:metering', p_now, p_now, v_data);
    if v_alert.url is not null then
      perform owe_calls(v_alert.tenant_id, jsonb_build_array(jsonb_build_object(
        'marketplace', 'customer', 'kind', 'usage-alert', 'lane', 'alert ' || v_alert.id,
        'once', format('alert %s %s', v_alert.id, v_data->>'since'),
        'payload', (select jsonb_build_object('alert', v_alert.id, 'event', e.id, 'sequence', e.sequence, 'data', v_data)
                    from lifecycle_events e where e.tenant_id = v_alert.tenant_id order by e.sequence desc limit 1))), p_now);
    end if;
  end loop;
  return v_raised;
end $$;
select door('raise_usage_alerts(jsonb, timestamptz)');
