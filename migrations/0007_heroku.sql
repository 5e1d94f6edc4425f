-- Heroku: the grants with which we call it back, and the webhooks with which it calls us.

-- The tokens of one add-on resource, sealed. They end with the tenant.
create table heroku_grants (
  tenant_id         text primary key references tenants (id),
  state             text not null check (state in ('active', 'lost')),
  access_sealed     text,
  refresh_sealed    text,
  access_expires_at timestamptz not null,
  -- Which code the tokens came from: the newest wins, in whatever order codes are exchanged.
  code_expires_at   timestamptz not null,
  code_sequence     bigint not null,
  -- Counts the pairs of tokens: a refresh replaces the pair it was made from and no other.
  version           bigint not null default 1,
  refresh_due_at    timestamptz,
  -- Somebody is at the token endpoint until then; a refresh token may work only once.
  refreshing_until  timestamptz,
  changed_at        timestamptz not null,
  check (state = 'lost' or access_sealed is not null)
);
create index heroku_grants_due on heroku_grants (refresh_due_at) where refresh_due_at is not null;
select wall('heroku_grants', 'tenant_id');
select app_may('select, insert, update, delete on heroku_grants');

-- One subscription per tenant. The secrets are stored before Heroku is told them, so a lost answer loses nothing.
create table heroku_webhooks (
  tenant_id      text primary key references tenants (id),
  secrets_sealed text not null,
  -- Heroku's id, once it is known.
  webhook_id     text,
  created_at     timestamptz not null
);
select wall('heroku_webhooks', 'tenant_id');
select app_may('select, insert, update, delete on heroku_webhooks');

-- Events taken, kept a little longer than Heroku repeats them.
create table heroku_webhook_events (
  tenant_id text not null references tenants (id),
  id        text not null,
  seen_at   timestamptz not null,
  primary key (tenant_id, id)
);
create index heroku_webhook_events_seen on heroku_webhook_events (seen_at);
select wall('heroku_webhook_events', 'tenant_id');
select app_may('select, insert, delete on heroku_webhook_events');

-- A tenant on its way out needs no tokens any more. One whose provision failed may still have to tell Heroku so: its
-- grant is looked at again at once, by heroku_upkeep.
create function end_heroku_grant() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  if new.state = 'failed' then
    update heroku_grants set refresh_due_at = new.changed_at where tenant_id = new.id;
  else
    delete from heroku_grants where tenant_id = new.id;
  end if;
  delete from heroku_webhooks where tenant_id = new.id;
  delete from heroku_webhook_events where tenant_id = new.id;
  return null;
end $$;
create trigger end_heroku_grant after update of state on tenants for each row
when (new.marketplace = 'heroku' and new.state in ('failed', 'deprovisioning', 'gone')
      and new.state is distinct from old.state)
execute function end_heroku_grant();

-- Owes a refresh for grants that are due, at most p_limit of them; answers how many were due. A refresh that was given
-- up is owed again after an hour. Grants of failed provisions go once nothing is left to be told with them.
create function heroku_upkeep(p_now timestamptz, p_limit integer)
returns integer language plpgsql as $$
declare
  v_tenant text;
  v_state text;
  v_version bigint;
  v_count integer := 0;
begin
  for v_tenant in select g.tenant_id from heroku_grants g where g.refresh_due_at <= p_now
                  order by g.refresh_due_at limit p_limit loop
    v_count := v_count + 1;
    select t.state into v_state from tenants t where t.id = v_tenant for no key update;
    if v_state = 'failed' then
      if exists (select from owed_calls c where c.tenant_id = v_tenant and c.marketplace = 'heroku'
                 and c.state = 'owed') then
        update heroku_grants set refresh_due_at = p_now + interval '1 minute' where tenant_id = v_tenant;
      else
        delete from heroku_grants where tenant_id = v_tenant;
      end if;
      continue;
    end if;
    update heroku_grants set refresh_due_at = p_now + interval '1 hour'
    where tenant_id = v_tenant and refresh_due_at <= p_now returning version into v_version;
    if found and not exists (select from owed_calls c where c.tenant_id = v_tenant and c.state = 'owed'
                             and c.kind = 'heroku:refresh-grant') then
      perform owe_calls(v_tenant, jsonb_build_array(jsonb_build_object(
        'marketplace', 'heroku', 'kind', 'heroku:refresh-grant', 'lane', 'grant',
        'payload', jsonb_build_object('version', v_version))), p_now);
    end if;
  end loop;
  delete from heroku_webhook_events where seen_at < p_now - interval '8 days';
  return v_count;
end $$;
select door('heroku_upkeep(timestamptz, integer)');
