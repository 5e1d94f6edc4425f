-- As before; a database login is known by its name: [{tenant, id | login, at}].
create or replace function note_uses(p_uses jsonb) returns void language sql as $$
  with used as (
    select u.tenant, u.id, u.login, u.at
    from jsonb_to_recordset(p_uses) as u(tenant text, id uuid, login text, at timestamptz)
  ), free as (
    select c.tenant_id, c.id, u.at from credentials c
    join used u on u.tenant = c.tenant_id and (u.id = c.id or (c.kind = 'postgres' and u.login = c.key_id))
    where c.state <> 'revoked' and (c.last_used_at is null or c.last_used_at <= u.at - interval '1 minute')
    for no key update of c skip locked
  )
  update credentials c set last_used_at = f.at from free f where c.tenant_id = f.tenant_id and c.id = f.id
$$;
select door('note_uses(jsonb)');
