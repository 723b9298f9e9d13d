import type { OpenOutbox, Publication } from './outbox.js';

/**
 * Two publications of one library: one for a transaction that fails, and one for a transaction that
 * commits.
 */
interface Job {
  readonly library: string;
  readonly failing: { readonly order: number; readonly publication: Publication };
  readonly committed: { readonly order: number; readonly publication: Publication };
}

const failure = new Error('the application gave up');

async function run({ library, failing, committed }: Job): Promise<void> {
  const { open } = (await import(`./${library}.ts`)) as { open: OpenOutbox };
  const outbox = await open(url);
  try {
    const error = await outbox.ship(failing.order, failing.publication, failure).catch((caught: unknown) => caught);
    if (error !== failure) throw new Error(`the transaction ended with ${String(error)}`);
    await outbox.ship(committed.order, committed.publication);
  } finally {
    await outbox.close();
  }
}

/** `run.ts <url> <jobs>` runs all jobs, and prints the errors of the libraries that failed. */
const [url = '', json = ''] = process.argv.slice(2);
const errors: Record<string, string> = {};
for (const job of JSON.parse(json) as Job[]) {
  await run(job).catch((error: unknown) => {
    errors[job.library] = String(error);
  });
}
console.log(JSON.stringify(errors));
