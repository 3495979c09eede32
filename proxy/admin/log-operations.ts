import { logHistoryOperations, type LogHistoryParts } from './log-history-operations.ts'
import { logReadOperations, type LogReadParts } from './log-read-operations.ts'
import { logRemovalOperations, type LogRemovalParts } from './log-removal-operations.ts'
import { logReportOperation, type LogReportParts } from './log-report-operation.ts'
import { logStreamOperation, type LogStreamParts } from './log-stream-operation.ts'
import { logStatisticsOperations, type LogStatisticsParts } from './log-statistics-operations.ts'
import type { DocumentedOperation } from './operation.ts'
import { recordingOperations, type RecordingParts } from './recording-operations.ts'

/** What the operations work on. */
export interface LogParts
  extends
    LogReadParts,
    LogStatisticsParts,
    LogHistoryParts,
    LogRemovalParts,
    LogReportParts,
    LogStreamParts,
    RecordingParts {
  readonly logs: LogReadParts['logs'] & LogRemovalParts['logs'] & LogReportParts['logs']
}

/** Everything that is done with the ledger. */
export function logOperations(parts: LogParts): readonly DocumentedOperation[] {
  return [
    ...logReadOperations(parts),
    logStreamOperation(parts),
    ...logStatisticsOperations(parts),
    ...logHistoryOperations(parts),
    ...logRemovalOperations(parts),
    logReportOperation(parts),
    ...recordingOperations(parts),
  ]
}
