-- What was fixed to be billed, of all tenants: for the comparison with a marketplace's own reports.
create function usage_ledger(p_from timestamptz, p_until timestamptz, p_after jsonb, p_limit integer)
returns table (tenant text, hour timestamptz, dimension text, billing_reference text, lot text, stamped_at timestamptz,
               units bigint, verdict text, unknown_attempts integer)
language sql stable as $$
  select r.tenant_id, r.hour, r.dimension, r.billing_reference, r.lot, r.stamped_at, r.units, r.verdict,
         r.attempts - r.definite
  from usage_records r
  where r.frozen_at is not null and r.stamped_at >= p_from and r.stamped_at < p_until
    and (p_after is null or (r.tenant_id, r.hour, r.dimension)
         > (p_after->>'tenant', (p_after->>'hour')::timestamptz, p_after->>'dimension'))
  order by r.tenant_id, r.hour, r.dimension limit p_limit
$$;
select door('usage_ledger(timestamptz, timestamptz, jsonb, integer)');
