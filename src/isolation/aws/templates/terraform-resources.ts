import type { Json } from "./cloudformation-text.ts";
import type { Wanted } from "./statement.ts";
import { tagsInTerraform } from "./terraform-tags.ts";

/** What keeps the data, by Terraform's kinds of resources. Nothing of it is destroyed by mistake. */
export function resourcesInTerraform(wanted: Wanted): { readonly [kind: string]: Json } {
  const { services, model } = wanted;
  return {
    ...(services.includes("kms") && model !== "bridge" && { aws_kms_key: { tenants: key(wanted) } }),
    ...(services.includes("s3") && buckets(wanted)),
    ...(services.includes("dynamodb") && model !== "bridge" && { aws_dynamodb_table: { tenants: table(wanted) } }),
    ...(services.includes("opensearch") && { aws_opensearch_domain: { tenants: domain(wanted) } }),
  };
}

const kept = (wanted: Wanted, given: { readonly [name: string]: Json }): Json => ({
  ...given,
  tags: tagsInTerraform(wanted),
  lifecycle: { prevent_destroy: true },
});

const key = (wanted: Wanted): Json =>
  kept(wanted, { description: `Data of the tenants (${wanted.environment})`, enable_key_rotation: true });

function buckets(wanted: Wanted): { readonly [kind: string]: Json } {
  const { environment, services, model } = wanted;
  const account = `\${data.aws_caller_identity.current.account_id}`;
  const own = { bucket: `\${aws_s3_bucket.tenants.id}` };
  const encryption =
    services.includes("kms") && model !== "bridge"
      ? { sse_algorithm: "aws:kms", kms_master_key_id: `\${aws_kms_key.tenants.arn}` }
      : { sse_algorithm: "AES256" };
  const unfinished = {
    id: "UnfinishedUploads",
    status: "Enabled",
    abort_incomplete_multipart_upload: { days_after_initiation: 7 },
  };
  return {
    aws_s3_bucket: {
      tenants: kept(wanted, { bucket: `${environment}-tenants-${account}-\${data.aws_region.current.region}` }),
    },
    aws_s3_bucket_public_access_block: {
      tenants: {
        ...own,
        block_public_acls: true,
        block_public_policy: true,
        ignore_public_acls: true,
        restrict_public_buckets: true,
      },
    },
    aws_s3_bucket_ownership_controls: { tenants: { ...own, rule: { object_ownership: "BucketOwnerEnforced" } } },
    aws_s3_bucket_server_side_encryption_configuration: {
      tenants: {
        ...own,
        rule: { bucket_key_enabled: false, apply_server_side_encryption_by_default: encryption },
      },
    },
    aws_s3_bucket_lifecycle_configuration: { tenants: { ...own, rule: { ...unfinished, filter: {} } } },
  };
}

function table(wanted: Wanted): Json {
  const { environment, model } = wanted;
  const keys = model === "pool" ? ["tenant", "id"] : ["id"];
  const [hash = "", range] = keys;
  return kept(wanted, {
    name: model === "pool" ? `${environment}-tenants` : `${environment}-\${var.tenant_id}`,
    billing_mode: "PAY_PER_REQUEST",
    hash_key: hash,
    ...(range !== undefined && { range_key: range }),
    attribute: keys.map((name) => ({ name, type: "S" })),
    point_in_time_recovery: { enabled: true },
  });
}

const domain = (wanted: Wanted): Json =>
  kept(wanted, {
    domain_name: `${wanted.environment}-tenants`,
    engine_version: "OpenSearch_2.19",
    cluster_config: { instance_type: `\${var.search_instance_type}`, instance_count: 1 },
    ebs_options: { ebs_enabled: true, volume_type: "gp3", volume_size: 10 },
    advanced_options: { "rest.action.multi.allow_explicit_index": "false" },
    domain_endpoint_options: { enforce_https: true, tls_security_policy: "Policy-Min-TLS-1-2-PFS-2023-10" },
    node_to_node_encryption: { enabled: true },
    encrypt_at_rest: { enabled: true },
  });
