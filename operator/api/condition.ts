import { z } from 'zod'
import { text, time, whole } from './parts.ts'

/** As Kubernetes' `metav1.Condition`. */
const condition = z.object({
  type: text(316, 'What it is about.'),
  status: z.enum(['True', 'False', 'Unknown']).meta({ description: 'Whether it is so.' }),
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
    .meta({ description: 'Why, in one word; see docs/conditions.md.' }),
  message: z.string().max(32_768).meta({ description: 'Why, in a sentence that says what to do.' }),
  observedGeneration: whole(0, Number.MAX_SAFE_INTEGER, 'The generation of the spec that it is about.').optional(),
  lastTransitionTime: time('When the status last changed.'),
})

export const conditions = z
  .array(condition)
  .max(32)
  .meta({
    description: 'How the object stands.',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  })

export type Condition = z.output<typeof condition>
