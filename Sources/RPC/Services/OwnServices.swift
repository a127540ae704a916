import NIOCore

/// The services that every server has beside those it was made for (docs/protocol.md, "Every server has").
struct OwnServices {
    let methods: MethodTable
    let health: HealthBoard

    init(beside methods: MethodTable, inspector: ConnectionInspector) {
        // Reflection tells of itself, too: once without an index, to have what it is made from.
        let named = Self.add(to: methods, inspector, HealthBoard(services: []), ShapeIndex(MethodTable()))
        let index = ShapeIndex(named)
        health = HealthBoard(services: index.services.map(\.name))
        self.methods = Self.add(to: methods, inspector, health, index)
    }

    private static func add(
        to methods: MethodTable, _ inspector: ConnectionInspector, _ health: HealthBoard, _ index: ShapeIndex
    ) -> MethodTable {
        var methods = methods
        Health.register(in: &methods, board: health)
        Reflection.register(in: &methods, index: index)
        Connections.register(in: &methods, inspector: inspector)
        return methods
    }
}
