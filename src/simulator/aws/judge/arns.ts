import { isLike, type Pattern } from "./pattern.ts";

/** `arn`, partition, service, region, account; what follows them is the sixth and may hold colons. */
const HEAD = 5;

/**
 * Whether a resource is the one that a policy names. In the first five segments of an ARN a wildcard stays within its
 * segment, unless it is the last of it: then it may go on beyond the colon. (IAM user guide, "IAM JSON policy elements:
 * Resource".)
 */
export function isResource(pattern: Pattern, resource: string): boolean {
  const source: Pattern[] = segments(pattern, HEAD);
  return source.length === 1 ? isLike(pattern, resource) : headsMatch(source, resource);
}

/**
 * Whether an ARN is like another: each of the six components is compared by itself. `ArnEquals` and `ArnLike` are the
 * same. (IAM user guide, "Condition operators", ARN.)
 */
export function isArnLike(pattern: Pattern, arn: string): boolean {
  const wanted = segments(pattern, HEAD);
  const given = cut(arn);
  if (wanted.length !== HEAD + 1 || given.length !== HEAD + 1) return false;
  return wanted.every((part, place) => isLike(part, given[place] ?? ""));
}

/** The text in its six components, or as many as there are. */
function cut(arn: string): string[] {
  const parts = arn.split(":");
  return parts.length <= HEAD ? parts : [...parts.slice(0, HEAD), parts.slice(HEAD).join(":")];
}

/** A pattern cut at its first `most` colons. */
function segments(pattern: Pattern, most: number): Pattern[] {
  const found: Pattern[] = [[]];
  for (const piece of pattern) {
    if (typeof piece === "string") {
      found.push([...(found.pop() ?? []), piece]);
      continue;
    }
    const parts = piece.text.split(":");
    const taken = Math.min(parts.length - 1, most - found.length + 1);
    const texts = [...parts.slice(0, taken), parts.slice(taken).join(":")];
    texts.forEach((text, place) => {
      if (place > 0) found.push([]);
      if (text !== "") found.push([...(found.pop() ?? []), { text }]);
    });
  }
  return found;
}

/** Tries each colon at which a head may end, the nearest first: only a last `*` reaches beyond it. */
function headsMatch([head = [], ...rest]: readonly Pattern[], text: string): boolean {
  if (rest.length === 0) return isLike(head, text);
  const reaches = head.at(-1) === "any";
  for (let colon = text.indexOf(":"); colon >= 0; colon = text.indexOf(":", colon + 1)) {
    const [before, after] = [text.slice(0, colon), text.slice(colon + 1)];
    if (isHead(head, before) && headsMatch(rest, after)) return true;
    if (!reaches) return false;
  }
  return false;
}

/** Wildcards before the last one stay within the segment. */
function isHead(head: Pattern, text: string): boolean {
  if (head.at(-1) !== "any") return isLike(head, text, { within: "segment" });
  const first = text.split(":")[0] ?? "";
  return isLike(head, first, { within: "segment" });
}
