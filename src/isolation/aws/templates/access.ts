import {
  allow,
  type NamedPolicy,
  type Names,
  type Service,
  type Statement,
  TENANT_TAG,
  type Wanted,
  when,
} from "./statement.ts";

type Statements = (wanted: Wanted, names: Names) => readonly Statement[];

const access: Readonly<Record<Service, Statements>> = {
  s3: objects,
  dynamodb: items,
  opensearch: documents,
  kms: keys,
  rds: logins,
};

/** What a session with a tenant's tag may do: one policy for each service, and one of denials that nothing undoes. */
export function accessPolicies(wanted: Wanted, names: Names): readonly NamedPolicy[] {
  const { environment } = wanted;
  const allowed = wanted.services.map((service) => ({
    name: `${environment}-tenant-${service}`,
    statements: access[service](wanted, names),
  }));
  return [...allowed, { name: `${environment}-tenant-limits`, statements: limits(wanted, names) }];
}

const tenantOf = (names: Names): string => names.variable(`aws:PrincipalTag/${TENANT_TAG}`);

/** The slash is part of the prefix: without it a tenant would read those whose id its own begins. */
function objects(wanted: Wanted, names: Names): readonly Statement[] {
  const tenant = tenantOf(names);
  const own = { resources: [`${names.bucketArn}/${tenant}/*`] };
  const ownKey = [when("Null", "s3:x-amz-server-side-encryption-aws-kms-key-id", "false")];
  return [
    allow("UseOwnObjects", {
      actions: ["s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
      ...own,
    }),
    allow("WriteOwnObjects", { actions: ["s3:PutObject"], ...own, ...(hasOwnKeys(wanted) && { conditions: ownKey }) }),
    allow("ListOwnObjects", {
      actions: ["s3:ListBucket"],
      resources: [names.bucketArn],
      conditions: [when("StringLike", "s3:prefix", `${tenant}/*`)],
    }),
  ];
}

/** In a bridge each tenant has a key of its own, which its objects have to name: the bucket's would be everybody's. */
const hasOwnKeys = ({ model, services }: Wanted): boolean => model === "bridge" && services.includes("kms");

const ITEM_ACTIONS = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"];

/**
 * Pool: the partition key is the tenant. `ForAllValues` is true of a request without any key, so the key must be there;
 * Scan has none and is not allowed. Else: the table bears the tenant's name, and all of it is the tenant's.
 */
function items({ environment, model }: Wanted, names: Names): readonly Statement[] {
  const tenant = tenantOf(names);
  const actions = ITEM_ACTIONS.map((action) => `dynamodb:${action}`);
  if (model === "pool") {
    const conditions = [
      when("ForAllValues:StringEquals", "dynamodb:LeadingKeys", tenant),
      when("Null", "dynamodb:LeadingKeys", "false"),
    ];
    return [allow("UseOwnItems", { actions, resources: [names.tableArn], conditions })];
  }
  const { partition, region, account } = names;
  const table = `arn:${partition}:dynamodb:${region}:${account}:table/${environment}-${tenant}`;
  return [
    allow("UseOwnTable", { actions: [...actions, "dynamodb:Scan"], resources: [table] }),
    allow("UseIndexesOfOwnTable", { actions: ["dynamodb:Query", "dynamodb:Scan"], resources: [`${table}/index/*`] }),
  ];
}

const DOCUMENT_PATHS = ["_search", "_count", "_mget", "_bulk", "_doc", "_doc/*", "_create/*", "_update/*"];

/**
 * The documents of one index, named whole. Not the index itself: who may make one may give it an alias with another
 * tenant's name. What a body names is the domain's matter (`rest.action.multi.allow_explicit_index`).
 */
function documents({ environment }: Wanted, names: Names): readonly Statement[] {
  const index = `${names.domainArn}/${environment}-${tenantOf(names)}`;
  return [
    allow("UseOwnDocuments", {
      actions: ["es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost", "es:ESHttpPut", "es:ESHttpDelete"],
      resources: DOCUMENT_PATHS.map((path) => `${index}/${path}`),
    }),
  ];
}

/**
 * What is encrypted says in its encryption context whose it is: directly by the tenant's id, through S3 by the object's
 * ARN (S3 developer guide, "Encryption context"; so bucket keys, whose context is the bucket, are off). In a bridge the key
 * itself is the tenant's too, by its tag.
 */
function keys(wanted: Wanted, names: Names): readonly Statement[] {
  const tenant = tenantOf(names);
  const { partition, region, account } = names;
  const bridge = wanted.model === "bridge";
  const resources = [bridge ? `arn:${partition}:kms:${region}:${account}:key/*` : names.keyArn];
  const ownKey = bridge
    ? [
        when("StringEquals", `aws:ResourceTag/${TENANT_TAG}`, tenant),
        when("StringEquals", "aws:ResourceTag/Environment", wanted.environment),
      ]
    : [];
  const use = { actions: ["kms:Decrypt", "kms:GenerateDataKey"], resources };
  const direct = allow("UseKeyForOwnData", {
    ...use,
    conditions: [...ownKey, when("StringEquals", `kms:EncryptionContext:${TENANT_TAG}`, tenant)],
  });
  if (!wanted.services.includes("s3")) return [direct];
  const ownObjects = when("StringLike", "kms:EncryptionContext:aws:s3:arn", `${names.bucketArn}/${tenant}/*`);
  return [direct, allow("UseKeyForOwnObjects", { ...use, conditions: [...ownKey, ownObjects] })];
}

/** IAM database authentication: a token opens the tenant's own login and no other. */
function logins({ environment }: Wanted, names: Names): readonly Statement[] {
  const { partition, region, account, databaseResourceId } = names;
  const login = `dbuser:${databaseResourceId}/${environment}_${tenantOf(names)}`;
  const resources = [`arn:${partition}:rds-db:${region}:${account}:${login}`];
  return [allow("ConnectAsOwnLogin", { actions: ["rds-db:connect"], resources })];
}

/** By service: what would let a tenant change the very things by which it is known, or pass its rights on. */
const WIDENING: Readonly<Record<Service, readonly string[]>> = {
  s3: [
    "s3:GetObjectTagging",
    "s3:PutObjectTagging",
    "s3:DeleteObjectTagging",
    "s3:PutObjectVersionTagging",
    "s3:DeleteObjectVersionTagging",
    "s3:PutObjectAcl",
  ],
  dynamodb: ["dynamodb:TagResource", "dynamodb:UntagResource"],
  opensearch: ["es:AddTags", "es:RemoveTags"],
  kms: ["kms:CreateGrant", "kms:TagResource", "kms:UntagResource", "kms:PutKeyPolicy"],
  rds: ["rds:AddTagsToResource", "rds:RemoveTagsFromResource"],
};

/**
 * Denials hold whatever else is attached to the role one day. Sessions of a tenant that was shut out are worth nothing
 * although they have not expired: its id among the revoked, and the moment, are parameters.
 */
function limits({ services, model }: Wanted, names: Names): readonly Statement[] {
  const scan = services.includes("dynamodb") && model === "pool" ? ["dynamodb:Scan", "dynamodb:PartiQLSelect"] : [];
  const deny = { effect: "Deny", resources: ["*"] } as const;
  return [
    {
      sid: "NeverWiden",
      ...deny,
      actions: ["sts:AssumeRole", ...services.flatMap((service) => WIDENING[service]), ...scan],
    },
    {
      sid: "NothingAfterRevocation",
      ...deny,
      actions: ["*"],
      conditions: [
        {
          operator: "StringEquals",
          key: `aws:PrincipalTag/${TENANT_TAG}`,
          values: { parameter: names.revokedTenants },
        },
        when("DateLessThan", "aws:TokenIssueTime", names.revokedBefore),
      ],
    },
  ];
}
