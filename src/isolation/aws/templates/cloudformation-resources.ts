import { inText, type Json, tagsOf } from "./cloudformation-text.ts";
import type { Wanted } from "./statement.ts";

/** What keeps the data. Taking the stack away leaves it. */
export function resourcesOf(wanted: Wanted): { readonly [name: string]: Json } {
  const { services, model } = wanted;
  const has = (service: Wanted["services"][number]): boolean => services.includes(service);
  return {
    ...(has("kms") && model !== "bridge" && { TenantKey: key(wanted) }),
    ...(has("s3") && { TenantBucket: bucket(wanted) }),
    ...(has("dynamodb") && model !== "bridge" && { TenantTable: table(wanted) }),
    ...(has("opensearch") && { TenantDomain: domain(wanted) }),
  };
}

const kept = (type: string, properties: Json): Json => ({
  Type: type,
  DeletionPolicy: "Retain",
  UpdateReplacePolicy: "Retain",
  Properties: properties,
});

const isShared = ({ model, services }: Wanted): boolean => services.includes("kms") && model !== "bridge";

/** Whether a key may be used is left to the policies of the account's identities, as it is by default. */
function key(wanted: Wanted): Json {
  const root = { AWS: { "Fn::Sub": `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:root` } };
  return kept("AWS::KMS::Key", {
    Description: `Data of the tenants (${wanted.environment})`,
    EnableKeyRotation: true,
    KeyPolicy: {
      Version: "2012-10-17",
      Statement: [{ Sid: "LeaveItToTheAccount", Effect: "Allow", Principal: root, Action: "kms:*", Resource: "*" }],
    },
    Tags: tagsOf(wanted),
  });
}

function bucket(wanted: Wanted): Json {
  const encryption = isShared(wanted)
    ? { SSEAlgorithm: "aws:kms", KMSMasterKeyID: { "Fn::GetAtt": ["TenantKey", "Arn"] } }
    : { SSEAlgorithm: "AES256" };
  return kept("AWS::S3::Bucket", {
    BucketName: inText(`${wanted.environment}-tenants-\${AWS::AccountId}-\${AWS::Region}`),
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
    OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [{ BucketKeyEnabled: false, ServerSideEncryptionByDefault: encryption }],
    },
    LifecycleConfiguration: {
      Rules: [
        { Id: "UnfinishedUploads", Status: "Enabled", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
      ],
    },
    Tags: tagsOf(wanted),
  });
}

/** Pool: the partition key is the tenant's id. Silo: one table, of the tenant's name. */
function table(wanted: Wanted): Json {
  const { environment, model } = wanted;
  const keys = model === "pool" ? ["tenant", "id"] : ["id"];
  return kept("AWS::DynamoDB::Table", {
    TableName: inText(model === "pool" ? `${environment}-tenants` : `${environment}-\${TenantId}`),
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: keys.map((name) => ({ AttributeName: name, AttributeType: "S" })),
    KeySchema: keys.map((name, place) => ({ AttributeName: name, KeyType: place === 0 ? "HASH" : "RANGE" })),
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    Tags: tagsOf(wanted),
  });
}

/** A body that names indices of its own is refused: the address alone says which index is meant. */
function domain(wanted: Wanted): Json {
  return kept("AWS::OpenSearchService::Domain", {
    DomainName: `${wanted.environment}-tenants`,
    EngineVersion: "OpenSearch_2.19",
    ClusterConfig: { InstanceType: { Ref: "SearchInstanceType" }, InstanceCount: 1 },
    EBSOptions: { EBSEnabled: true, VolumeType: "gp3", VolumeSize: 10 },
    AdvancedOptions: { "rest.action.multi.allow_explicit_index": "false" },
    DomainEndpointOptions: { EnforceHTTPS: true, TLSSecurityPolicy: "Policy-Min-TLS-1-2-PFS-2023-10" },
    NodeToNodeEncryptionOptions: { Enabled: true },
    EncryptionAtRestOptions: { Enabled: true },
    Tags: tagsOf(wanted),
  });
}
