/** The entry `nest-notifications/inspector`. */
export { NotificationsInspectorModule } from './inspector.module.js';
export type { InspectorModuleExtras, InspectorOptions } from './inspector-options.js';
export type {
  CountedCode,
  FeedRates,
  FeedReport,
  FeedSeries,
  InboxReport,
  InspectorError,
  InspectorState,
  SlowReader,
  SlowReaders,
  StoreCalls,
  StoreReport,
  TopTopic,
  TopTopics,
} from './inspector-report.js';
