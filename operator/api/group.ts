export const GROUP = 'tollgate.dev'
export const VERSION = 'v1alpha1'
