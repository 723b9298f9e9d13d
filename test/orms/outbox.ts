/** Notifications that `NotificationsService.prepare` has checked. */
export interface Publication {
  readonly ids: readonly string[];
  readonly text: string;
}

/** A library, connected. */
export interface Outbox {
  /**
   * Marks an order as shipped and publishes that, in one transaction, which fails at its end if
   * `fail` is given.
   */
  ship(id: number, publication: Publication, fail?: Error): Promise<void>;
  close(): Promise<void>;
}

export type OpenOutbox = (url: string) => Promise<Outbox>;
