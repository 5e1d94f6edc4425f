import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { list, verify } from "../src/cli/audit.ts";
import { anchorHash, entryHash, headsDigest } from "../src/events/audit-bytes.ts";
import { verdictAfter, verdictOf } from "./support/audit.ts";
import { MINUTE } from "./support/clock.ts";
import { runCommand } from "./support/command.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

let shop: TestProvider;
const chains: string[] = [];
/** What the log told of the newest anchor. */
let witness: { sequence: number; hash: string };

/** Three tenants with some history, all anchored, in four anchors. */
beforeAll(async () => {
  shop = await testProvider();
  for (let n = 0; n < 3; n += 1) chains.push((await shop.provision(purchase())).value.tenant.id);
  for (let round = 0; round < 4; round += 1) {
    for (const id of chains.slice(round % 2)) await shop.revealConfigVar(about({ id }), "ACME_SEARCH_API_KEY");
    shop.clock.advance(MINUTE);
    for (const { sequence, hash } of await shop.anchorAudit()) witness = { sequence, hash };
  }
});

afterAll(closeProviders);

/** For each column a value of its type that it does not hold. */
const others = {
  audit_entries: {
    chain: "rpad('z', 26, 'q')",
    sequence: "sequence + 100",
    at: "at + interval '1 microsecond'",
    recorded_at: "recorded_at - interval '1 day'",
    by: `"by" || ' '`,
    action: "action || 's'",
    data: `data || '{"x": 1}'`,
    previous: "set_byte(previous, 7, 255 - get_byte(previous, 7))",
    hash: "set_byte(hash, 31, 255 - get_byte(hash, 31))",
  },
  audit_heads: {
    chain: "rpad('z', 26, 'q')",
    sequence: "sequence + 100",
    anchor: "anchor + 1",
    hash: "set_byte(hash, 31, 255 - get_byte(hash, 31))",
  },
  audit_anchors: {
    sequence: "sequence + 100",
    at: "at + interval '1 microsecond'",
    heads: "heads + 1",
    digest: "set_byte(digest, 0, 255 - get_byte(digest, 0))",
    previous: "set_byte(previous, 0, 255 - get_byte(previous, 0))",
    hash: "set_byte(hash, 0, 255 - get_byte(hash, 0))",
    key_id: "key_id || '2'",
    seal: "set_byte(seal, 0, 255 - get_byte(seal, 0))",
  },
  audit_chains: {
    chain: "rpad('z', 26, 'q')",
    sequence: "sequence + 1",
    hash: "set_byte(hash, 0, 255 - get_byte(hash, 0))",
    anchored: "anchored + 1",
  },
} as const;

const tables = Object.keys(others);
const cells = Object.entries(others).flatMap(([table, columns]) =>
  Object.entries(columns).map(([column, value]) => ({ table, column, value })),
);
const row = (table: string, place: number) => `ctid = (select ctid from ${table} offset ${place} limit 1)`;

async function rowsOf(table: string): Promise<number> {
  const [counted] = await shop.look<{ rows: number }>(`select count(*)::int as rows from ${table}`);
  return counted?.rows ?? 0;
}

describe("an audit that somebody tampered with", () => {
  test("was sound before", async () => {
    expect(await verdictOf(shop)).toMatchObject({ chains: 3, entries: 13, anchors: 4, unanchored: 0, faults: [] });
  });

  test.each(cells)("is found out whichever row of $table has another $column", async ({ table, column, value }) => {
    const rows = await rowsOf(table);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: rows - 1 }), async (place) => {
        const tamper = `update ${table} set "${column}" = ${value} where ${row(table, place)}`;
        const { touched, faults } = await verdictAfter(shop, tamper);
        return touched === 1 && faults.length > 0;
      }),
      { numRuns: 4 },
    );
  });

  test.each(tables)("is found out whichever row of %s is gone", async (table) => {
    for (let place = 0; place < (await rowsOf(table)); place += 1) {
      const { touched, faults } = await verdictAfter(shop, `delete from ${table} where ${row(table, place)}`);
      expect({ place, touched, found: faults.length > 0 }).toEqual({ place, touched: 1, found: true });
    }
  });

  const found = async (tamper: string) => {
    const { faults } = await verdictAfter(shop, tamper);
    const name = (chain: string) => (chain === chains[1] ? "chain" : chain);
    return faults.map(({ chain, sequence, kind }) => `${name(chain)} ${sequence} ${kind}`);
  };
  const entry = (sequence: number) => `chain = '${chains[1]}' and sequence = ${sequence}`;

  test("is told what is broken and where", async () => {
    const tail = `chain = '${chains[1]}' and sequence > 3`;
    expect(await found(`update audit_entries set "by" = 'product' where ${entry(2)}`)).toEqual(["chain 2 changed"]);
    expect(await found(`delete from audit_entries where ${entry(1)}`)).toEqual([
      "chain 1 removed",
      "chain 2 misplaced",
    ]);
    expect(await found(`delete from audit_entries where ${tail}`)).toEqual(["chain 4 removed", "chain 5 removed"]);
    expect(await found(`delete from audit_entries where ${tail}; delete from audit_heads where ${tail}`)).toEqual([
      "chain 4 truncated",
      "chain 5 unlike_anchor",
      "anchors 3 changed",
      "anchors 4 changed",
    ]);
    expect(await found(`delete from audit_anchors where sequence = 4`)).toEqual(["anchors 4 truncated"]);
  });

  test("is found out when two entries change places", async () => {
    const swap = `update audit_entries set sequence = -sequence where chain = '${chains[1]}' and sequence in (2, 3);
      update audit_entries set sequence = 5 + sequence where chain = '${chains[1]}' and sequence < 0`;
    expect(await found(swap)).toContain("chain 2 misplaced");
  });

  test.each([0, 6, 99])(
    "is found out when an entry is planted as number %s, with a hash that fits",
    async (sequence) => {
      const plant = `insert into audit_entries select (f.e).chain, (f.e).sequence, (f.e).at, (f.e).recorded_at, (f.e)."by",
        (f.e).action, (f.e).data, (f.e).previous, audit_hash(f.e)
      from (select row(chain, ${sequence}, at, recorded_at, "by", 'credential.revoked', data, hash, null)::audit_entries as e
            from audit_entries where ${entry(5)}) f`;
      expect(await found(plant)).toContain(`chain ${sequence} inserted`);
    },
  );

  /** Everything made anew from the changed entry on, as one can who has the database and not the key ring. */
  async function forgery(): Promise<string> {
    const [chain] = [chains[1] ?? ""];
    const told = await shop.look<Record<string, string>>(`select * from audit_page('${chain}', 0, 100)`);
    const statements: string[] = [];
    const hashes = new Map<number, string>();
    let previous = "0".repeat(64);
    for (const { sequence = "", at = "", recorded_at: recordedAt = "", by = "", action = "", data = "" } of told) {
      const forged = { chain, sequence: Number(sequence), at, recordedAt, by: `${by} forged`, action, data, previous };
      previous = entryHash(forged);
      hashes.set(forged.sequence, previous);
      statements.push(
        `update audit_entries set "by" = '${forged.by}', previous = '\\x${forged.previous}', hash = '\\x${previous}'
         where chain = '${chain}' and sequence = ${sequence}`,
        `update audit_heads set hash = '\\x${previous}' where chain = '${chain}' and sequence = ${sequence}`,
      );
    }
    statements.push(`update audit_chains set hash = '\\x${previous}' where chain = '${chain}'`);
    return [...statements, ...(await forgedAnchors(chain, hashes))].join(";");
  }

  async function forgedAnchors(chain: string, hashes: ReadonlyMap<number, string>): Promise<string[]> {
    const statements: string[] = [];
    let previous = "0".repeat(64);
    for (const anchor of await shop.look<Record<string, string>>("select * from audit_anchor_page(0, 100)")) {
      const held = await shop.look<{ chain: string; sequence: string; hash: string }>(
        `select * from audit_heads_of(${anchor["sequence"]}, null)`,
      );
      const heads = held.map((head) => {
        const sequence = Number(head.sequence);
        return { ...head, sequence, hash: head.chain === chain ? (hashes.get(sequence) ?? "") : head.hash };
      });
      const core = {
        sequence: Number(anchor["sequence"]),
        at: anchor["at"] ?? "",
        heads: heads.length,
        keyId: anchor["key_id"] ?? "",
      };
      const digest = headsDigest(heads);
      const hash = anchorHash({ ...core, digest, previous });
      statements.push(`update audit_anchors set digest = '\\x${digest}', previous = '\\x${previous}', hash = '\\x${hash}'
                       where sequence = ${core.sequence}`);
      previous = hash;
    }
    return statements;
  }

  test("is found out by its seals alone, when every hash was made anew by somebody without the key ring", async () => {
    expect(await found(await forgery())).toEqual([1, 2, 3, 4].map((sequence) => `anchors ${sequence} forged`));
  });

  test("is found out by a witness alone, when all is as it was some minutes ago", async () => {
    const back = `delete from audit_anchors where sequence > 3;
      delete from audit_entries e using audit_heads h where h.anchor = 4 and h.chain = e.chain and e.sequence >= h.sequence;
      delete from audit_heads where anchor = 4;
      update audit_chains c set (sequence, hash, anchored) = (select e.sequence, e.hash, e.sequence from audit_entries e
        where e.chain = c.chain order by e.sequence desc limit 1)`;
    expect(await found(back)).toEqual([]);
    expect((await verdictAfter(shop, back, { witness })).faults).toMatchObject([{ chain: "anchors", sequence: 4 }]);
    expect((await verdictOf(shop, { witness })).faults).toEqual([]);
  });
});

describe("stallholder audit", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "audit-"));
    process.env["DATABASE_URL"] = shop.database.appUrl;
    process.env["DATA_DIR"] = folder;
    process.env["SECRET_KEYS"] = shop.ringText;
  });

  afterAll(async () => {
    for (const name of ["DATABASE_URL", "DATA_DIR", "SECRET_KEYS"]) delete process.env[name];
    await rm(folder, { recursive: true });
  });

  test("verify says that all is sound, and of one tenant", async () => {
    expect(await runCommand(() => verify({}))).toEqual({
      code: 0,
      out: "The audit is sound: 13 entries of 3 chains, 4 anchors.\n",
      err: "",
    });
    expect((await runCommand(() => verify({ tenant: chains[0] ?? "" }))).out).toContain("3 entries of 1 chains");
    const { out } = await runCommand(() => verify({ json: true, witness }));
    // That somebody has looked, twice, is told by the next one.
    expect(JSON.parse(out)).toEqual({ sound: true, chains: 4, entries: 15, anchors: 4, unanchored: 2, faults: [] });
    const [told] = await shop.look("select action, by, data from audit_entries order by recorded_at desc limit 1");
    expect(told).toMatchObject({ action: "operator.crossed", data: { reason: "audit verify", faults: 0 } });
  });

  test("verify looks also where nothing can be written into the audit any more, and says so", async () => {
    await shop.look("alter function append_audit rename to append_audit_away");
    const { code, out, err } = await runCommand(() => verify({}));
    await shop.look("alter function append_audit_away rename to append_audit");
    expect([code, err]).toEqual([0, "That somebody looked could not be written into the audit.\n"]);
    expect(out).toContain("The audit is sound");
  });

  test("verify ends with code 1 and says where it is broken", async () => {
    const { code, out } = await runCommand(() => verify({ witness: { ...witness, sequence: 9 } }));
    expect(code).toBe(1);
    expect(out).toContain("anchors 9: truncated: it is not there as the witness has seen it");
    await expect(verify({ tenant: "nobody" })).rejects.toMatchObject({ code: "tenant_not_found" });
  });

  test("list tells one chain, oldest first", async () => {
    const { out } = await runCommand(() => list({ tenant: chains[1] ?? "" }));
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(
      /^ {4}1 {2}2026-03-01T11:59:59Z {2}credential.issued .* marketplace:bazaar {2}.*last_four=/,
    );
    const { out: json } = await runCommand(() => list({ tenant: chains[1] ?? "", json: true }));
    expect(JSON.parse(json.split("\n")[1] ?? "")).toMatchObject({ sequence: 2, action: "credential.revealed" });
  });
});
