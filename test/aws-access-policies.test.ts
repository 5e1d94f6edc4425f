import fc from "fast-check";
import { judgeSession } from "../src/simulator/aws/access/assumption.ts";
import type { Role } from "../src/simulator/aws/access/role.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { type AccessCase, accessCases, bucket } from "./support/tenant-access-cases.ts";
import { deployed, deployedByTerraform, MODELS, SERVICES } from "./support/tenant-role.ts";
import { granted } from "./support/tenant-session.ts";
import { allows, trustCases } from "./support/trust-cases.ts";

const notations = [["CloudFormation", deployed] as const, ["Terraform", deployedByTerraform] as const];
const everything = notations.flatMap(([notation, deploy]) => MODELS.map((model) => [notation, model, deploy] as const));

/** The titles of those that came out otherwise than they should. */
function wrong(role: Role, cases: readonly AccessCase[]): string[] {
  return cases.filter((one) => granted(role, one) !== one.allowed).map(({ title }) => title);
}

describe("the tenants' role", () => {
  test.each(everything)("by %s, %s: a tenant gets what is its own and nothing else", (_notation, model, deploy) => {
    const cases = accessCases(model);
    expect(cases.filter(({ allowed }) => allowed).length).toBeGreaterThan(50);
    expect(cases.filter(({ allowed }) => !allowed).length).toBeGreaterThan(150);
    expect(wrong(deploy(model), cases)).toEqual([]);
  });

  test.each(everything)(
    "by %s, %s: it is assumed for one tenant at a time, by one principal",
    (_notation, model, deploy) => {
      const role = deploy(model);
      expect(
        trustCases(model)
          .filter((one) => allows(role, one) !== one.allowed)
          .map(({ title }) => title),
      ).toEqual([]);
    },
  );

  test.each(SERVICES)("a template for %s alone gives its rights and no others", (service) => {
    for (const model of MODELS) {
      const cases = accessCases(model, [service]);
      expect(wrong(deployed(model, [service]), cases)).toEqual([]);
      const others = accessCases(model).filter(({ title, allowed, action }) => {
        return allowed && title.startsWith("may:") && !cases.some((own) => own.action === action);
      });
      expect(others.length).toBeGreaterThan(0);
      expect(others.filter((one) => granted(deployed(model, [service]), one))).toEqual([]);
    }
  });

  test("every two tenants are apart: no prefix, index, table or login of one fits another's", () => {
    const roles = MODELS.map((model) => [model, deployed(model)] as const);
    const ids = fc.constantFrom(...Array.from({ length: 200 }, mintTenantId));
    const near = fc
      .tuple(ids, fc.nat(25), fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567"))
      .map(([id, place, other]) => {
        return [id, `${id.slice(0, place)}${other}${id.slice(place + 1)}`] as const;
      });
    const pairs = fc.oneof(fc.tuple(ids, ids), near).filter(([one, other]) => one !== other && /^[a-z]/.test(other));
    fc.assert(
      fc.property(pairs, fc.constantFrom(...roles), ([one, other], [model, role]) => {
        const [mine] = accessCases(model).filter(({ title }) => title === "may: s3 GetObject");
        if (mine === undefined) throw new Error("There is no such case.");
        const ask = (tenant: string, whose: string) =>
          granted(role, { ...mine, tenant, resource: `${bucket}/${whose}/x` });
        expect([ask(one, one), ask(one, other), ask(other, one), ask(other, other)]).toEqual([
          true,
          false,
          false,
          true,
        ]);
      }),
      { numRuns: 300 },
    );
  });

  test("a session policy narrows a session and never widens it", () => {
    const role = deployed("pool");
    const session = (policies: readonly unknown[]) => ({
      role,
      policies,
      sessionName: "s",
      tags: { TenantID: "a".repeat(26) },
      issuedAt: new Date(),
    });
    const all = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
    const read = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "*" } };
    const [mine, theirs] = [`${bucket}/${"a".repeat(26)}/x`, `${bucket}/${"b".repeat(26)}/x`];
    expect(judgeSession(session([all]), "s3:GetObject", theirs, {}).allowed).toBe(false);
    expect(judgeSession(session([read]), "s3:GetObject", mine, {}).allowed).toBe(true);
    expect(judgeSession(session([read]), "s3:PutObject", mine, {}).allowed).toBe(false);
  });
});
