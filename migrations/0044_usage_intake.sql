-- A batch of usage asks for less: not again for tenants that its process has seen alive, and not for keys that the unique
-- index will refuse anyway. docs/metering.md holds the argument.

-- How often usage of tenants that ended was gated. Whoever saw a tenant alive while this was the number may take it for
-- alive as long as it is the number, and as no closing of it waits.
alter table usage_gate add column closings bigint not null default 0;

create or replace function move_usage_gate(p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_through timestamptz := date_trunc('hour', p_now - interval '70 minutes', 'UTC');
begin
  if not exists (select from usage_gate where sealed_through < v_through)
     and not exists (select from usage_closings where sealed_at is null and not gated) then
    return false;
  end if;
  perform set_config('lock_timeout', '500ms', true);
  perform pg_advisory_xact_lock(7355, 1);
  update usage_closings set gated = true where sealed_at is null and not gated;
  if found then
    update usage_gate set closings = closings + 1;
  end if;
  update usage_gate set sealed_through = v_through where sealed_through < v_through;
  return true;
end $$;
select door('move_usage_gate(timestamptz)');

drop function enter_usage(text[], uuid[]);

-- Takes the gate, shared, until the end of the transaction, and answers what the caller needs to judge a batch of events:
-- as it is behind the gate, since each statement looks after the first has got in. Of the tenants named, those that are not
-- there or have ended, and of all, those whose end waits to be sealed. Of the keys, those that are in the generation before;
-- in both with p_written. `era` is another when what was known of tenants is not known any more; a server that starts
-- afresh, or takes the place of another one, may have lost what was seen.
create function enter_usage(p_tenants text[], p_keys uuid[], p_written boolean)
returns table (generation integer, sealed_through timestamptz, clock timestamptz, era text, closing text[],
               unknown text[], closed text[], known uuid[], prints bigint[])
language plpgsql as $$
declare
  v_gate usage_gate;
begin
  perform pg_advisory_xact_lock_shared(7355, 1);
  select * into v_gate from usage_gate;
  return query
    select v_gate.generation, v_gate.sealed_through, clock_timestamp(),
           extract(epoch from pg_postmaster_start_time()) || ' ' || v_gate.closings,
           array(select c.tenant_id from usage_closings c where c.sealed_at is null), t.unknown, t.closed, k.keys, k.prints
    from
      (select array_agg(p.id) filter (where t.id is null) as unknown,
              array_agg(p.id) filter (where t.id is not null) as closed
       from unnest(p_tenants) p(id) left join tenants t on t.id = p.id
       where t.id is null or t.state not in ('provisioning', 'active', 'suspended')
         -- Ended, or about to: whose usage is closed before it ends has a row here as well.
         or exists (select from usage_closings c where c.tenant_id = p.id)) t,
      (select array_agg(key) as keys, array_agg(print) as prints from (
         select key, print from usage_keys_0
         where (p_written or v_gate.generation % 2 = 1) and key = any(p_keys) union all
         select key, print from usage_keys_1
         where (p_written or v_gate.generation % 2 = 0) and key = any(p_keys)) generations) k;
end $$;
select door('enter_usage(text[], uuid[], boolean)');
select usage_may('execute on function enter_usage(text[], uuid[], boolean)');
