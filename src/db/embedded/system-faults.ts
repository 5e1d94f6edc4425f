/** Whether a system call failed with this code, such as `ENOENT`. */
export function hasCode(fault: unknown, code: string): boolean {
  return typeof fault === "object" && fault !== null && "code" in fault && fault.code === code;
}

/** What a failed program wrote to its error output, or else what the fault says of itself. */
export function textOf(fault: unknown): string {
  if (typeof fault !== "object" || fault === null) return String(fault);
  const written = "stderr" in fault ? String(fault.stderr).trim() : "";
  return written || ("message" in fault ? String(fault.message) : String(fault));
}
