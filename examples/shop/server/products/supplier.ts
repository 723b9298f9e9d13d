import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../config/config.js';
import { ProductsService } from './products.service.js';

const STOCK_MAX = 60;
const PIECES = 2;

/** A simulated supplier, so that stock levels change while the demo is open. */
@Injectable()
export class Supplier implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('Supplier');
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    private readonly products: ProductsService,
  ) {}

  onApplicationBootstrap(): void {
    const { deliveryMs } = this.config;
    if (deliveryMs > 0) this.#timer = setInterval(() => void this.#deliver(), deliveryMs);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  async #deliver(): Promise<void> {
    try {
      const product = await this.products.scarcest();
      if (product && product.stock < STOCK_MAX) await this.products.add(product.id, PIECES);
    } catch (error) {
      this.#logger.warn(`No delivery: ${String(error)}`);
    }
  }
}
