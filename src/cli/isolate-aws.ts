import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readManifestFile } from "../compose.ts";
import { readSettings } from "../config.ts";
import { isolationTemplate } from "../isolation/aws/aws.ts";

interface Options {
  readonly services: string;
  readonly model: string;
  readonly format: string;
  readonly out?: string;
}

/** Prints the template that divides AWS's services among tenants, or writes it into a folder. */
export async function isolateAws({ out, ...asked }: Options): Promise<void> {
  const { environment } = readSettings();
  const { catalog } = await readManifestFile();
  const template = isolationTemplate({ ...asked, environment, product: catalog.id });
  const text = `${JSON.stringify(template, undefined, 2)}\n`;
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  const kind = asked.format === "terraform" ? "tf.json" : "template.json";
  const path = join(out, `${environment}-tenants-${asked.model}.${kind}`);
  await mkdir(out, { recursive: true });
  await writeFile(path, text);
  process.stdout.write(`${path}\n`);
}
