/** Selects a message by its sequence, or the next or last message of a subject. */
export type GetQuery =
  | { readonly seq: number }
  | { readonly seq: number; readonly next_by_subj: string }
  | { readonly last_by_subj: string };

/** A batch of the messages of a subject, from a sequence on. */
export interface BatchQuery {
  readonly seq: number;
  readonly next_by_subj: string;
  readonly batch: number;
  readonly max_bytes: number;
}

/** A message that belongs to no commit. */
export interface NewMessage {
  readonly stream: string;
  readonly subject: string;
  readonly body?: string;
}

/** The server's answer to a message: its sequence, or the reason why it is not stored. */
export interface Stored {
  readonly seq: number;
  readonly error?: { readonly err_code: number; readonly description: string };
}
