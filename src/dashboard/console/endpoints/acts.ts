import type { Role } from "../parts.ts";
import type { EndpointLine } from "./read.ts";

export type EndpointActName = "test" | "recover" | "rotate" | "enable" | "disable" | "resend";

/** One thing an operator may do to an endpoint. */
export interface EndpointAct {
  readonly title: string;
  readonly role: Role;
  /** What it comes to, before it is done. */
  readonly means: (endpoint: EndpointLine) => string;
  /** Whether it makes sense with the endpoint as it is. */
  readonly fits: (endpoint: EndpointLine) => boolean;
  readonly danger?: true;
  /** The endpoint is another one by it: two at once are not both done. */
  readonly changes: boolean;
}

const always = () => true;

export const endpointActs: Readonly<Record<EndpointActName, EndpointAct>> = {
  test: {
    title: "Send a test",
    role: "operator",
    means: () =>
      "One made-up event goes out at once, marked as such, whatever the state of the endpoint. It is not tried again.",
    fits: always,
    changes: false,
  },
  recover: {
    title: "Recover since",
    role: "operator",
    means: ({ state }) =>
      `It becomes owed whatever it wants and has not taken since then, under the same ids and in order. ${state === "on" ? "A worker sends it." : `It is ${state}: nothing is sent before it is on.`}`,
    fits: always,
    changes: true,
  },
  rotate: {
    title: "Rotate the signing secret",
    role: "operator",
    means: () =>
      "A new secret is made and shown once, on the next page. Until the time you choose each event is signed with the old one as well.",
    fits: ({ kind }) => kind === "http",
    changes: true,
  },
  enable: {
    title: "Turn on again",
    role: "operator",
    means: ({ state }) =>
      state === "off"
        ? "It hears of what happens from now on. What happened while it was off it is owed by recovering."
        : "What it is owed becomes due at once, with all its tries before it.",
    fits: ({ state }) => state !== "on",
    changes: true,
  },
  disable: {
    title: "Turn off",
    role: "operator",
    means: () =>
      "Nothing is sent to it, and what it is owed now is forgotten. Within 30 days it can be recovered once the endpoint is turned on again.",
    fits: ({ state }) => state !== "off",
    danger: true,
    changes: true,
  },
  resend: {
    title: "Send again",
    role: "support",
    means: ({ state }) =>
      `The event is owed once more, under its own id: the receiver may know it already. ${state === "on" ? "A worker sends it." : `The endpoint is ${state}: nothing is sent before it is on.`}`,
    fits: ({ state }) => state !== "off",
    changes: false,
  },
};

export const endpointPath = (id: string): string => `/console/endpoints/${id}`;
export const endpointActPath = (id: string, act: EndpointActName): string => `${endpointPath(id)}/acts/${act}`;

export function isEndpointAct(name: unknown): name is EndpointActName {
  return typeof name === "string" && Object.hasOwn(endpointActs, name);
}
