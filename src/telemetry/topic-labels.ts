import { wrongOption } from '../core/options.js';
import { includesTopic, PATTERNS_MAX } from '../core/patterns.js';

/** The label of all topics that no declared name includes. */
export const OTHER_TOPICS = 'other';

/** The maximum number of topics and patterns that become labels. */
export const TOPIC_LABELS_MAX = PATTERNS_MAX;

/**
 * The labels for topics. Only names that the application declares become labels, so a caller cannot
 * create a time series.
 */
export class TopicLabels {
  readonly names: readonly string[];

  /**
   * @param names topics, and patterns such as `orders.*`. The first name that includes a topic is
   *   its label.
   * @param owner the name of the module, for errors
   * @throws RangeError for more than `TOPIC_LABELS_MAX` names, and for a `*` that is not a last
   *   segment
   */
  constructor(names: readonly string[], owner: string) {
    if (!Array.isArray(names) || names.length > TOPIC_LABELS_MAX) {
      const rule = `must be an array of at most ${TOPIC_LABELS_MAX} topics and patterns`;
      throw wrongOption({ owner, name: 'topics', value: names, rule });
    }
    for (const name of names as readonly unknown[]) {
      if (typeof name === 'string' && /^(?:[^*]+\.)?(?:\*|[^*.]+)$/.test(name)) continue;
      const advice = 'use a topic, or a pattern such as orders.*';
      throw new RangeError(`${owner}: option topics has ${JSON.stringify(name)}; ${advice}`);
    }
    this.names = names.length === 0 ? [] : [...new Set(names), OTHER_TOPICS];
  }

  /** The index of a topic's label in `names`, -1 without any label. */
  indexOf(topic: string): number {
    const index = this.names.findIndex((name) => includesTopic(name, topic));
    return index === -1 ? this.names.length - 1 : index;
  }
}
