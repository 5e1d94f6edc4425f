-- The console's marketplaces: when each last called, and when it last took a call of ours. Of what is newest a thousand are
-- looked at, however much there is.
create index owed_calls_told on owed_calls (marketplace, ended_at) where state = 'delivered';

create function console_marketplaces(p_marketplaces text[]) returns jsonb language sql stable as $$
  with heard as (
    select e.at, substr(e."by", 13) as marketplace from (
      select l.recorded_at as at, l."by" from lifecycle_events l order by l.recorded_at desc limit 1000) e
    where starts_with(e."by", 'marketplace:')
    union all select max(received_at), 'aws' from aws_messages where source <> 'sweep'
    union all select max(seen_at), 'heroku' from heroku_webhook_events
  ), told as (
    select t.marketplace, max(a.ended_at) as at from (
      select tenant_id, hour, dimension, attempts from usage_records where state = 'accepted' order by hour desc limit 1000) r
    join tenants t on t.id = r.tenant_id
    join usage_attempts a on (a.tenant_id, a.hour, a.dimension, a.n) = (r.tenant_id, r.hour, r.dimension, r.attempts)
    group by 1
    union all
    select m.name, (select c.ended_at from owed_calls c where c.marketplace = m.name and c.state = 'delivered'
                    order by c.ended_at desc limit 1) from unnest(p_marketplaces) m (name)
  )
  select jsonb_object_agg(m.name, jsonb_build_object(
    'heard', (select max(h.at) from heard h where h.marketplace = m.name),
    'told', (select max(t.at) from told t where t.marketplace = m.name))) from unnest(p_marketplaces) m (name)
$$;
select door('console_marketplaces(text[])');
