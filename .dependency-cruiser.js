import swc from "@swc/core";

// dependency-cruiser has swc parse every file as plain TypeScript; ours are TSX where their name says so.
const { parseFileSync } = swc;
swc.parseFileSync = (file, options) => parseFileSync.call(swc, file, { ...options, tsx: file.endsWith(".tsx") });

// The arrows of the house (docs/house.md): who may import whom. A folder is entered by the files named here and by no other.
const base = ["errors", "clock", "log", "same-secret", "uuid"];

/** Folder → what it may import beside itself and the base. Folders are listed from the bottom up. */
const arrows = {
  http: [],
  db: [],
  isolation: ["db"],
  secrets: [],
  catalog: [],
  events: ["db", "isolation"],
  operations: ["db", "isolation", "events"],
  deliveries: ["db", "isolation"],
  subscriptions: ["db", "isolation", "secrets", "events"],
  tenants: ["db", "isolation"],
  credentials: ["db", "isolation", "secrets"],
  metering: ["db", "isolation"],
  sso: ["isolation", "http"],
  product: [],
  provider: [
    "db",
    "isolation",
    "secrets",
    "catalog",
    "events",
    "operations",
    "deliveries",
    "tenants",
    "credentials",
    "metering",
    "sso",
    "product",
  ],
  marketplaces: [
    "provider",
    "db",
    "isolation",
    "secrets",
    "catalog",
    "events",
    "operations",
    "deliveries",
    "tenants",
    "credentials",
    "metering",
    "sso",
    "http",
  ],
  dashboard: [
    "provider",
    "db",
    "deliveries",
    "subscriptions",
    "marketplaces",
    "isolation",
    "catalog",
    "events",
    "operations",
    "tenants",
    "credentials",
    "metering",
    "sso",
    "http",
  ],
  api: ["provider", "subscriptions", "events", "catalog", "isolation", "tenants", "credentials", "metering", "http"],
  simulator: [],
};

const beside = (folder, allowed) => ({
  name: `${folder}-arrows`,
  comment: `src/${folder} may import ${[...allowed, ...base].join(", ")}`,
  severity: "error",
  from: { path: `^src/${folder}/` },
  to: {
    path: "^src/",
    pathNot: [
      `^src/${folder}/`,
      ...allowed.map((name) => `^src/${name}/`),
      ...base.map((name) => `^src/${name}\\.ts$`),
    ],
  },
});

export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "marketplaces-stay-apart",
      comment: "One marketplace never imports another",
      severity: "error",
      from: { path: "^src/marketplaces/([^/]+)/" },
      to: { path: "^src/marketplaces/[^/]+/", pathNot: "^src/marketplaces/$1/" },
    },
    {
      name: "marketplace-doors",
      comment: "A marketplace is entered by the file that bears its name, and by commands through NAME-operator.ts",
      severity: "error",
      from: { pathNot: "^src/marketplaces/" },
      to: { path: "^src/marketplaces/([^/]+)/", pathNot: "^src/marketplaces/([^/]+)/\\1(-operator)?\\.ts$" },
    },
    {
      name: "isolation-doors",
      comment: "A folder of isolation is entered by the file that bears its name",
      severity: "error",
      from: { path: "^src/(?!isolation/([^/]+)/)" },
      to: { path: "^src/isolation/([^/]+)/", pathNot: "^src/isolation/([^/]+)/\\1\\.ts$" },
    },
    {
      name: "isolation-doors-inside",
      comment: "So it is for its neighbours",
      severity: "error",
      from: { path: "^src/isolation/([^/]+)/" },
      to: { path: "^src/isolation/([^/]+)/", pathNot: ["^src/isolation/$1/", "^src/isolation/([^/]+)/\\1\\.ts$"] },
    },
    ...Object.entries(arrows).map(([folder, allowed]) => beside(folder, allowed)),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    parser: "swc",
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".tsx", ".js"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
