-- Roles in customers' AWS accounts that the vendor's product may use. A row for each external id that was ever given out:
-- none is given out twice, to whomever, so rows stay when a connection ends.
create table aws_connections (
  -- Random, ours, never chosen by a customer.
  external_id text primary key check (length(external_id) >= 32),
  tenant_id   text not null references tenants (id),
  -- offered: nobody has told us a role yet. broken: the last check of the role failed.
  state       text not null check (state in ('offered', 'connected', 'broken', 'ended')),
  role_arn    text,
  account     text check (account ~ '^\d{12}$'),
  -- Why it is broken, in words for the customer.
  fault       text,
  created_at  timestamptz not null,
  -- The first time that the role was really assumed.
  verified_at timestamptz,
  checked_at  timestamptz,
  due_at      timestamptz,
  ended_at    timestamptz,
  check ((state in ('connected', 'broken')) <= (role_arn is not null and account is not null and verified_at is not null)),
  check ((state = 'ended') = (ended_at is not null))
);
-- One at a time for each tenant.
create unique index aws_connections_open on aws_connections (tenant_id) where state <> 'ended';
create index aws_connections_due on aws_connections (due_at) where due_at is not null;
select wall('aws_connections', 'tenant_id');
select app_may('select, insert, update on aws_connections');

-- Connections whose role is to be tried again; until `p_until` nobody else takes them.
create function claim_aws_connections(p_now timestamptz, p_until timestamptz, p_limit integer)
returns setof text language sql as $$
  update aws_connections c set due_at = p_until
  where c.external_id in (
    select d.external_id from aws_connections d join tenants t on t.id = d.tenant_id
    where d.due_at <= p_now and d.state in ('connected', 'broken') and t.state = 'active'
    order by d.due_at limit p_limit for update of d skip locked)
  returning c.tenant_id
$$;
select door('claim_aws_connections(timestamptz, timestamptz, integer)');
