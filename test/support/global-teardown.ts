import "./global-setup.ts";

/** Removes the server of the run, or what the run made on a given one; also after a worker crashed. */
// biome-ignore lint/style/noDefaultExport: Jest takes the default export.
export default async function tearDown(): Promise<void> {
  await globalThis.removeTestCluster?.();
}
