/** Purchases of more than one marketplace, plan and state. */
export const DRESS = [
  `update tenants t set marketplace = n.marketplace,
     resource_id = case n.marketplace when 'aws' then 'arn:aws:license-manager::294406891311:license:l-' || md5(t.id) else t.resource_id end,
     plan = (array['basic', 'basic', 'standard', 'premium'])[1 + n.n % 4],
     state = case when n.n % 20 = 3 then 'gone' when n.n % 50 = 4 then 'suspended' else 'active' end,
     ended_at = case when n.n % 20 = 3 then least(t.created_at + interval '40 days', now()) end,
     facts = jsonb_build_object('app', 'acme-app-' || n.n, 'owner', 'owner' || n.n || '@acme.example')
   from (select id, n, case when n % 10 = 0 then 'aws' else 'heroku' end as marketplace
         from (select id, (row_number() over (order by id))::int as n from tenants) x) n
   where n.id = t.id`,
];

/** What belongs to a purchase beside what every purchase has. */
export const PURCHASES = [
  `insert into people (tenant_id, person_id, email, role, seen_at)
   select id, 'p-' || left(id, 8), 'person' || substr(facts->>'owner', 6), 'collaborator', created_at from tenants`,
  `insert into aws_licences (key, generation, arn, product_code, account, customer, agreement_id, region, state, tenant_id,
                             created_at, changed_at)
   select resource_id, 'licence', resource_id, 'bench', lpad((hashtext(id)::bigint + 2147483648)::text, 12, '1'), left(id, 11),
          'agmt-' || left(id, 20), 'us-east-1', case state when 'gone' then 'ended' else 'active' end, id, created_at, created_at
   from tenants where marketplace = 'aws'`,
  `insert into heroku_grants (tenant_id, state, access_sealed, refresh_sealed, access_expires_at, code_expires_at, code_sequence,
                              refresh_due_at, changed_at)
   select id, case when right(id, 2) = 'aa' then 'lost' else 'active' end, 'v1.bench.' || md5(id), 'v1.bench.' || md5(id),
          now() + interval '8 hours', created_at, 1, now() + interval '7 hours', created_at
   from tenants where marketplace = 'heroku' and state <> 'gone'`,
  `insert into deliveries (tenant_id, sequence, attempt, started_at, ended_at, outcome, status)
   select id, 1, 1, created_at, created_at, 'delivered', 200 from tenants`,
  `insert into sessions (digest, tenant_id, data, started_at, seen_at)
   select md5(id), id, '{}', now() - interval '1 hour', now() from tenants where right(id, 1) in ('a', 'b', 'c')`,
  `insert into heroku_webhook_events (tenant_id, id, seen_at)
   select id, md5(id), now() - interval '1 second' * (hashtext(id) & 65535)
   from tenants where marketplace = 'heroku' and right(id, 1) in ('d', 'e', 'f')`,
];

/** As the triggers would have kept them. */
export const TERMS = [
  "alter table tenant_terms drop constraint tenant_terms_pkey",
  "drop index tenant_terms_term",
  `insert into tenant_terms (tenant_id, kind, term)
   select w.tenant_id, w.kind, w.term from console_terms((select array_agg(id) from tenants)) w`,
  "alter table tenant_terms add primary key (tenant_id, kind, term)",
  "create index tenant_terms_term on tenant_terms (term, tenant_id)",
];

/** Of $1 tenants each: what fails, what was given up, what waits, what nobody has claimed, what was lost. */
export const TROUBLES = [
  `insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, state, due_at, attempts, last_fault, created_at, ended_at)
   select t.id, 1 + s, t.marketplace, 'heroku:push-config', 'bench-' || s, case s when 1 then 'owed' when 2 then 'given_up' else 'owed' end,
          now() + interval '1 hour', case when s < 3 then 5 else 0 end,
          case when s < 3 then 'the answer was ' || (array[500, 502, 503, 504])[1 + t.place % 4] end,
          now() - t.place * interval '1 minute', case s when 2 then now() - t.place * interval '1 minute' end
   from (select id, marketplace, row_number() over (order by id) as place from tenants where state = 'active' order by id desc
         limit $1::int) t, generate_series(1, 3) s`,
  `insert into operations (id, tenant_id, kind, state, by, at, attempts, due_at, last_fault, created_at, ended_at)
   select gen_random_uuid(), t.id, 'change_plan', case s when 1 then 'running' else 'failed' end, 'operator:bench', at, 4,
          now() + interval '1 hour', 'the product answered ' || (array[500, 502, 503])[1 + t.place % 3], at,
          case s when 2 then at end
   from (select id, place, now() - place * interval '1 minute' as at
         from (select id, row_number() over (order by id) as place from tenants where state = 'active' order by id desc
               limit $1::int) x) t, generate_series(1, 2) s`,
  `insert into aws_licences (key, generation, product_code, customer, region, state, created_at, changed_at)
   select 'unclaimed-' || i, 'licence', 'bench', 'unclaimed-' || i, 'us-east-1', 'active', now() - i * interval '1 minute', now()
   from generate_series(1, $1::int) i`,
  `insert into usage_carries (tenant_id, dimension, balance)
   select id, 'requests', 1.5 from tenants order by id limit $1::int`,
];

/** One tenant with a long history: the first of its marketplace by its id. */
const BUSIEST = "(select id from tenants where marketplace = 'heroku' and state = 'active' order by id limit 1)";
export const BUSY = [
  `insert into lifecycle_events (tenant_id, sequence, type, by, at, recorded_at, data)
   select id, i, (array['signed_in', 'plan.changed', 'credential.rotated', 'usage.sealed'])[1 + i % 4],
          (array['marketplace:heroku', 'operator:token'])[1 + i % 2], at, at, '{"plan": "standard", "reason": "a bench"}'
   from (select b.id, i, now() - (3003 - i) * interval '10 minutes' as at
         from ${BUSIEST} b, generate_series(3, 3002) i) x`,
  `insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, payload, state, due_at, attempts, created_at, ended_at)
   select b.id, i, 'heroku', 'heroku:push-config', 'bench', '{"vars": ["ACME_SEARCH_API_KEY"]}', 'delivered', now(), 1,
          now() - (1010 - i) * interval '30 minutes', now() - (1010 - i) * interval '30 minutes'
   from ${BUSIEST} b, generate_series(10, 1009) i`,
  `insert into deliveries (tenant_id, sequence, attempt, started_at, ended_at, outcome, status)
   select tenant_id, sequence, 1, created_at, created_at, 'delivered', 200 from owed_calls where lane = 'bench'`,
  `insert into operations (id, tenant_id, kind, state, by, at, attempts, due_at, created_at, ended_at)
   select gen_random_uuid(), b.id, 'rotate', 'done', 'operator:bench', now(), 1, now(), now() - i * interval '1 hour', now()
   from ${BUSIEST} b, generate_series(1, 500) i`,
  `update tenants set last_event = 3002, last_call = 1009 where id = ${BUSIEST}`,
];

/** Endpoints and what they heard in thirty days, people, inbox: with the number of tenants, $1. */
export const KEPT = [
  `insert into endpoints (id, kind, name, url, state, failing_since, created_at, changed_at)
   select 'ep_' || repeat(chr(96 + i), 26), 'http', 'desk ' || i, 'https://desk' || i || '.acme.example/hook', 'on',
          case i when 2 then now() end, now(), now() from generate_series(1, 3) i where $1::int > 0`,
  `insert into event_deliveries (tenant_id, endpoint_id, event_id, type, attempt, started_at, milliseconds, outcome, status)
   select e.tenant_id, 'ep_' || repeat('a', 26), e.id, e.type, 1,
          now() - (row_number() over (order by e.tenant_id)) * interval '30 days' / $1::int, 80,
          case when hashtext(e.tenant_id) % 10 = 0 then 'retry' else 'delivered' end, 200
   from lifecycle_events e where e.sequence = 2`,
  `insert into owed_events (tenant_id, endpoint_id, event_id, sequence, state, created_at, ended_at)
   select e.tenant_id, 'ep_' || repeat(chr(96 + i), 26), e.id, e.sequence,
          case when i = 1 then 'delivered' else 'owed' end, e.at, case when i = 1 then e.at end
   from (select x.*, row_number() over (order by x.tenant_id) as place from lifecycle_events x where x.sequence = 2) e,
        generate_series(1, 2) i
   where i = 1 or e.place <= greatest($1::int / 200, 1500)`,
  `insert into operators (email, role, added_by, created_at, changed_at)
   select 'person' || i || '@acme-search.example', 'viewer', 'operator:token', now(), now()
   from generate_series(1, 20) i where $1::int > 0`,
  `insert into aws_messages (source, message_id, received_at, body, state, due_at)
   select 'eventbridge', 'bench-' || i, now() - i * interval '30 days' / $1::int, '{}', 'applied', now() from generate_series(1, $1::int / 5) i`,
  "insert into workers (id, seen_at) select 'bench', now() + interval '1 day' where $1::int > 0",
];
