-- The role that a tenant's credentials are those of, where it is not the one of AWS_TENANT_ROLE_ARN: a silo's, in an account
-- of that tenant's own. A wrong row opens nothing: the role's trust policy takes one tenant's tag and no other.
create table aws_roles (
  tenant_id text primary key references tenants (id),
  role_arn  text not null check (role_arn ~ '^arn:[a-z-]+:iam::[0-9]{12}:role/'),
  set_by    text not null,
  -- When it was assumed, and refused other tenants' tags.
  set_at    timestamptz not null
);
select wall('aws_roles', 'tenant_id');
select app_may('select, insert, update, delete on aws_roles');

create function list_aws_roles(p_after text, p_limit integer)
returns table (tenant text, state text, role_arn text, set_by text, set_at timestamptz) language sql stable as $$
  select r.tenant_id, t.state, r.role_arn, r.set_by, r.set_at
  from aws_roles r join tenants t on t.id = r.tenant_id
  where r.tenant_id > p_after order by r.tenant_id limit p_limit
$$;
select door('list_aws_roles(text, integer)');
