import { BadRequestException, Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { InboxService } from '../inbox/index.js';

/** All visitors of the demo share one inbox: they do not sign in. */
export const VISITOR = 'visitor';

const TEXT_MAX = 200;

/** Sends items to the inbox. An application does this in its own services. */
@Controller('inbox-items')
export class InboxItemsController {
  readonly #inbox: InboxService;

  constructor(@Inject(InboxService) inbox: InboxService) {
    this.#inbox = inbox;
  }

  @Post()
  @HttpCode(201)
  async send(@Body() body: unknown): Promise<{ id: string }> {
    const { title, text = '' } = (body ?? {}) as { readonly title?: unknown; readonly text?: unknown };
    if (title === '' || !isText(title) || !isText(text)) {
      throw new BadRequestException(`title and text must be texts of at most ${TEXT_MAX} characters`);
    }
    const { id } = await this.#inbox.send(VISITOR, { type: 'message', data: { title, body: text } });
    return { id };
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_MAX;
}
