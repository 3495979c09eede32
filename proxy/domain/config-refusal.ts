/** A change of the configuration that was not made, for a reason that whoever asked for it can do something about. */
export class ConfigRefusal extends Error {}

/** Somebody else has changed the configuration since it was read. */
export class RevisionConflict extends ConfigRefusal {
  override readonly name = 'RevisionConflict'

  constructor() {
    super('the configuration was changed meanwhile; read it again')
  }
}

/** There is no such channel, or it has no such key. */
export class NoSuchChannel extends ConfigRefusal {
  override readonly name = 'NoSuchChannel'
}

/** Another channel of the pool has this name. */
export class ChannelNameTaken extends ConfigRefusal {
  override readonly name = 'ChannelNameTaken'
}

/** An order names not every channel of its pool once. */
export class IncompleteOrder extends ConfigRefusal {
  override readonly name = 'IncompleteOrder'
}

/** Another user has this alias, or the same import gives it to two. */
export class AliasTaken extends ConfigRefusal {
  override readonly name = 'AliasTaken'
}
