export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command of the CLI in this process: what it printed, and the exit code it asked for. */
export async function runCommand(command: () => Promise<void>): Promise<Said> {
  const said = { out: "", err: "" };
  const { stdout, stderr } = process;
  const before = { out: stdout.write, err: stderr.write };
  const hear = (stream: "out" | "err") => (text: string) => {
    said[stream] += text;
    return true;
  };
  process.exitCode = undefined;
  stdout.write = hear("out") as typeof stdout.write;
  stderr.write = hear("err") as typeof stderr.write;
  try {
    await command();
    return { code: Number(process.exitCode ?? 0), ...said };
  } finally {
    stdout.write = before.out;
    stderr.write = before.err;
    process.exitCode = undefined;
  }
}
