import {
  ACCOUNT,
  DATABASE,
  ENVIRONMENT,
  foreign,
  type Model,
  own,
  REGION,
  REVOKED_AT,
  revoked,
  SERVICES,
  type Service,
} from "./tenant-role.ts";

type Context = Readonly<Record<string, string | readonly string[]>>;

/** Something that a session of a tenant tries. */
export interface AccessCase {
  readonly title: string;
  readonly tenant: string | undefined;
  readonly action: string;
  readonly resource: string;
  readonly context: Context;
  readonly allowed: boolean;
  /** Before everybody was shut out whose sessions are from then. */
  readonly old?: boolean;
  /** Somebody attached a policy that allows everything. */
  readonly beside?: boolean;
}

export const bucket = `arn:aws:s3:::${ENVIRONMENT}-tenants-${ACCOUNT}-${REGION}`;
const domain = `arn:aws:es:${REGION}:${ACCOUNT}:domain/${ENVIRONMENT}-tenants`;
const key = `arn:aws:kms:${REGION}:${ACCOUNT}:key/00000000-0000-4000-8000-${ACCOUNT}`;
const table = (name: string) => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${ENVIRONMENT}-${name}`;
const login = (name: string) => `arn:aws:rds-db:${REGION}:${ACCOUNT}:dbuser:${DATABASE}/${name}`;

/** Everything that is tried in a model, of the services that a template is for. */
export function accessCases(model: Model, services: readonly Service[] = SERVICES): readonly AccessCase[] {
  const cases = { s3: s3Cases, dynamodb: dynamoCases, opensearch: searchCases, kms: kmsCases, rds: rdsCases };
  const tried = services.flatMap((service) => cases[service](model, services));
  return [...tried, ...without(tried), ...afterRevocation(tried), ...widening(services, model)];
}

const may = (title: string, action: string, resource: string, context: Context = {}): AccessCase => {
  return { title: `may: ${title}`, tenant: own, action, resource, context, allowed: true };
};
const mayNot = (title: string, action: string, resource: string, context: Context = {}): AccessCase => {
  return { title: `may not: ${title}`, tenant: own, action, resource, context, allowed: false };
};

function s3Cases(model: Model, services: readonly Service[]): AccessCase[] {
  const needsKey = model === "bridge" && services.includes("kms");
  const named: Context = needsKey ? { "s3:x-amz-server-side-encryption-aws-kms-key-id": key } : {};
  const actions = ["GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts"];
  const list = (prefix: string): Context => ({ "s3:prefix": prefix });
  return [
    ...actions.flatMap((action) => [
      may(`s3 ${action}`, `s3:${action}`, `${bucket}/${own}/a/b`, named),
      mayNot(`s3 ${action} of another tenant`, `s3:${action}`, `${bucket}/${foreign}/a/b`, named),
      mayNot(`s3 ${action} of a longer name`, `s3:${action}`, `${bucket}/${own}a/b`, named),
      mayNot(`s3 ${action} of the bare prefix`, `s3:${action}`, `${bucket}/${own}`, named),
      mayNot(`s3 ${action} in another bucket`, `s3:${action}`, `${bucket}2/${own}/a`, named),
    ]),
    may("list the own prefix", "s3:ListBucket", bucket, list(`${own}/`)),
    may("list below the own prefix", "s3:ListBucket", bucket, list(`${own}/a`)),
    mayNot("list another tenant's prefix", "s3:ListBucket", bucket, list(`${foreign}/`)),
    mayNot("list without a prefix", "s3:ListBucket", bucket),
    mayNot("list with an empty prefix", "s3:ListBucket", bucket, list("")),
    mayNot("list with the prefix cut short", "s3:ListBucket", bucket, list(own)),
    mayNot("list with half the prefix", "s3:ListBucket", bucket, list(own.slice(0, 3))),
    mayNot("list another bucket", "s3:ListBucket", `${bucket}2`, list(`${own}/`)),
    ...(needsKey ? [mayNot("write an object under the bucket's key", "s3:PutObject", `${bucket}/${own}/a`)] : []),
    ...["PutBucketPolicy", "DeleteBucket", "ListBucketVersions", "PutObjectAcl", "GetObjectTagging"].map((action) =>
      mayNot(`s3 ${action}`, `s3:${action}`, action.includes("Object") ? `${bucket}/${own}/a` : bucket),
    ),
  ];
}

const ITEM_ACTIONS = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"];
/** The rest of what DynamoDB knows of tables and their items. */
const OTHER_TABLE_ACTIONS = [
  ...["PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete", "ConditionCheckItem", "DescribeTable"],
  ...[
    "UpdateTable",
    "DeleteTable",
    "CreateBackup",
    "ExportTableToPointInTime",
    "DescribeStream",
    "GetRecords",
    "UpdateTimeToLive",
  ],
];

function dynamoCases(model: Model): AccessCase[] {
  const leading = (...keys: string[]): Context => ({ "dynamodb:LeadingKeys": keys });
  if (model !== "pool") {
    const [mine, theirs] = [table(own), table(foreign)];
    return [
      ...[...ITEM_ACTIONS, "Scan"].flatMap((action) => [
        may(`dynamodb ${action}`, `dynamodb:${action}`, mine),
        mayNot(`dynamodb ${action} of another tenant`, `dynamodb:${action}`, theirs),
        mayNot(`dynamodb ${action} of a longer name`, `dynamodb:${action}`, `${mine}a`),
        mayNot(
          `dynamodb ${action} in another environment`,
          `dynamodb:${action}`,
          mine.replace(`/${ENVIRONMENT}-`, "/prod-"),
        ),
      ]),
      ...["Query", "Scan"].flatMap((action) => [
        may(`dynamodb ${action} of an index`, `dynamodb:${action}`, `${mine}/index/by-date`),
        mayNot(`dynamodb ${action} of another tenant's index`, `dynamodb:${action}`, `${theirs}/index/by-date`),
      ]),
      ...OTHER_TABLE_ACTIONS.map((action) => mayNot(`dynamodb ${action}`, `dynamodb:${action}`, mine)),
    ];
  }
  const shared = table("tenants");
  return [
    ...ITEM_ACTIONS.flatMap((action) => [
      may(`dynamodb ${action}`, `dynamodb:${action}`, shared, leading(own)),
      mayNot(`dynamodb ${action} of another tenant`, `dynamodb:${action}`, shared, leading(foreign)),
      mayNot(`dynamodb ${action} of two tenants`, `dynamodb:${action}`, shared, leading(own, foreign)),
      mayNot(`dynamodb ${action} in another table`, `dynamodb:${action}`, table("tenants2"), leading(own)),
    ]),
    ...[...ITEM_ACTIONS, ...OTHER_TABLE_ACTIONS, "Scan"].flatMap((action) => [
      mayNot(`dynamodb ${action} without a key`, `dynamodb:${action}`, shared),
      mayNot(`dynamodb ${action} of an index without a key`, `dynamodb:${action}`, `${shared}/index/by-date`),
    ]),
    ...["Scan", "PartiQLSelect"].map((action) => ({
      ...mayNot(`dynamodb ${action}, whatever else is attached`, `dynamodb:${action}`, shared),
      beside: true,
    })),
  ];
}

const METHODS = ["ESHttpGet", "ESHttpHead", "ESHttpPost", "ESHttpPut", "ESHttpDelete"];
const PATHS = ["_search", "_count", "_mget", "_bulk", "_doc", "_doc/1", "_create/1", "_update/1"];

function searchCases(): AccessCase[] {
  const [mine, theirs] = [`${ENVIRONMENT}-${own}`, `${ENVIRONMENT}-${foreign}`];
  const elsewhere = [
    ...[
      "_search",
      "_msearch",
      "_all/_search",
      "*/_search",
      "_cat/indices",
      "_aliases",
      "_reindex",
      "_search/scroll",
      "_sql",
    ],
    ...[
      mine,
      `${mine}/_alias/${theirs}`,
      `${mine}/_settings`,
      `${mine}/_clone/${theirs}`,
      `${mine}/_close`,
      `${mine}/_mapping`,
    ],
    ...[
      `${mine},${theirs}/_search`,
      `${theirs},${mine}/_search`,
      `${mine}*/_search`,
      `${mine}a/_search`,
      `${ENVIRONMENT}-*/_search`,
    ],
    ...[`prod-${own}/_search`, `${own}/_search`],
  ];
  return [
    ...METHODS.flatMap((method) => [
      ...PATHS.flatMap((path) => [
        may(`${method} ${path}`, `es:${method}`, `${domain}/${mine}/${path}`),
        mayNot(`${method} ${path} of another tenant`, `es:${method}`, `${domain}/${theirs}/${path}`),
      ]),
      ...elsewhere.map((path) => mayNot(`${method} ${path}`, `es:${method}`, `${domain}/${path}`)),
      mayNot(`${method} in another domain`, `es:${method}`, `${domain}2/${mine}/_search`),
    ]),
    mayNot("change the domain", "es:UpdateDomainConfig", domain),
  ];
}

function kmsCases(model: Model, services: readonly Service[]): AccessCase[] {
  const tags = (tenant: string, environment = ENVIRONMENT): Context =>
    model === "bridge" ? { "aws:ResourceTag/TenantID": tenant, "aws:ResourceTag/Environment": environment } : {};
  const direct = (tenant: string): Context => ({ "kms:EncryptionContext:TenantID": tenant });
  const object = (tenant: string): Context => ({ "kms:EncryptionContext:aws:s3:arn": `${bucket}/${tenant}/a` });
  const contexts = [
    ["for own data", direct] as const,
    ...(services.includes("s3") ? [["for own objects", object] as const] : []),
  ];
  const uses = ["kms:Decrypt", "kms:GenerateDataKey"].flatMap((action) =>
    contexts.flatMap(([words, context]) => [
      may(`${action} ${words}`, action, key, { ...tags(own), ...context(own) }),
      mayNot(`${action} ${words}, of another tenant`, action, key, { ...tags(own), ...context(foreign) }),
      ...(model === "bridge"
        ? [
            mayNot(`${action} ${words}, with another tenant's key`, action, key, { ...tags(foreign), ...context(own) }),
            mayNot(`${action} ${words}, with a key of another environment`, action, key, {
              ...tags(own, "prod"),
              ...context(own),
            }),
            mayNot(`${action} ${words}, with a key without tags`, action, key, context(own)),
          ]
        : [mayNot(`${action} ${words}, with another key`, action, `${key}0`, { ...tags(own), ...context(own) })]),
    ]),
  );
  return [
    ...uses,
    mayNot("decrypt what says nothing of its tenant", "kms:Decrypt", key, tags(own)),
    mayNot("decrypt by the bucket's context", "kms:Decrypt", key, {
      ...tags(own),
      "kms:EncryptionContext:aws:s3:arn": bucket,
    }),
    mayNot("decrypt by a longer name", "kms:Decrypt", key, {
      ...tags(own),
      "kms:EncryptionContext:aws:s3:arn": `${bucket}/${own}a/b`,
    }),
    ...["Encrypt", "ReEncryptFrom", "ScheduleKeyDeletion", "PutKeyPolicy"].map((action) =>
      mayNot(`kms ${action}`, `kms:${action}`, key, { ...tags(own), ...direct(own) }),
    ),
  ];
}

const rdsCases = (): AccessCase[] => [
  may("connect as the own login", "rds-db:connect", login(`${ENVIRONMENT}_${own}`)),
  mayNot("connect as another tenant's", "rds-db:connect", login(`${ENVIRONMENT}_${foreign}`)),
  mayNot("connect as a longer name", "rds-db:connect", login(`${ENVIRONMENT}_${own}_ro`)),
  mayNot("connect in another environment", "rds-db:connect", login(`prod_${own}`)),
  mayNot("connect as the administrator", "rds-db:connect", login("postgres")),
  mayNot(
    "connect to another server",
    "rds-db:connect",
    login(`${ENVIRONMENT}_${own}`).replace(DATABASE, "cluster-OTHER"),
  ),
];

/** The same without the tag: nothing at all. */
const without = (tried: readonly AccessCase[]): AccessCase[] =>
  tried
    .filter(({ allowed }) => allowed)
    .map((one) => ({ ...one, title: `without the tag, ${one.title}`, tenant: undefined, allowed: false }));

const inTheNameOf = (one: AccessCase, tenant: string): AccessCase =>
  JSON.parse(JSON.stringify({ ...one, tenant }).replaceAll(own, tenant)) as AccessCase;

/** Sessions from before a tenant was shut out are dead; those from after its return, and other tenants', are not. */
function afterRevocation(tried: readonly AccessCase[]): AccessCase[] {
  const [one] = tried.filter(({ allowed }) => allowed);
  if (one === undefined) return [];
  return [
    { ...inTheNameOf(one, revoked), title: "an old session of the revoked tenant", allowed: false, old: true },
    { ...inTheNameOf(one, revoked), title: "a new session of the revoked tenant", allowed: true },
    { ...one, title: "an old session of another tenant", allowed: true, old: true },
  ];
}

const WIDENING: Readonly<Record<Service, readonly (readonly [action: string, resource: string])[]>> = {
  s3: [
    "GetObjectTagging",
    "PutObjectTagging",
    "DeleteObjectTagging",
    "PutObjectVersionTagging",
    "DeleteObjectVersionTagging",
    "PutObjectAcl",
  ].map((action) => [`s3:${action}`, `${bucket}/${own}/a`]),
  dynamodb: ["TagResource", "UntagResource"].map((action) => [`dynamodb:${action}`, table(own)]),
  opensearch: ["AddTags", "RemoveTags"].map((action) => [`es:${action}`, domain]),
  kms: ["CreateGrant", "TagResource", "UntagResource", "PutKeyPolicy"].map((action) => [`kms:${action}`, key]),
  rds: ["AddTagsToResource", "RemoveTagsFromResource"].map((action) => [
    `rds:${action}`,
    `arn:aws:rds:${REGION}:${ACCOUNT}:cluster:c`,
  ]),
};

/** What no policy beside the template's can give. */
function widening(services: readonly Service[], _model: Model): AccessCase[] {
  const actions = [
    ["sts:AssumeRole", `arn:aws:iam::${ACCOUNT}:role/other`] as const,
    ...services.flatMap((service) => WIDENING[service]),
  ];
  return actions.flatMap(([action, resource]) => [
    mayNot(action, action, resource),
    { ...mayNot(`${action}, whatever else is attached`, action, resource), beside: true },
  ]);
}

export const issuedAt = ({ old = false }: AccessCase): Date => new Date(REVOKED_AT.getTime() + (old ? -1_000 : 1_000));
