/// The sequences of several emoji that are one: emoji-sequences.txt and emoji-zwj-sequences.txt of Emoji 15.1, as rules
/// where they have any. Joiners, selectors and skin tones are left out here.
enum EmojiSequences {
    /// Two people who kiss: person, heart, kiss mark, person.
    static let mostElements = 4

    /// Subdivisions that have a flag, as their tags: England, Scotland, Wales.
    static let subdivisions = ["gbeng", "gbsct", "gbwls"].map { $0.unicodeScalars.map(\.value) }

    /// For A, B, … the second letters of regions that have a flag.
    private static let regions = [
        "CDEFGILMOQRSTUWXZ", "ABDEFGHIJLMNOQRSTVWYZ", "ACDFGHIKLMNOPRUVWXYZ", "EGJKMOZ", "ACEGHRSTU", "IJKMOR",
        "ABDEFGHILMNPQRSTUWY", "KMNRTU", "CDELMNOQRST", "EMOP", "EGHIMNPRWYZ", "ABCIKRSTUVY",
        "ACDEFGHKLMNOPQRSTUVWXYZ", "ACEFGILOPRUZ", "M", "AEFGHKLMNRSTWY", "A", "EOSUW", "ABCDEGHIJKLMNORSTVXYZ",
        "ACDFGHJKLMNORTVWZ", "AGMNSYZ", "ACEGINU", "FS", "K", "ET", "AMW",
    ].map { $0.unicodeScalars.reduce(into: UInt32(0)) { $0 |= 1 << ($1.value - 0x41) } }

    /// Has the region a flag whose code is made of two letters, counted from 0 for A?
    static func isRegion(_ one: Int, _ other: Int) -> Bool { regions[one] & (1 << other) != 0 }

    /// Do the elements, joined, make one emoji?
    ///
    /// - Precondition: There are at least two.
    static func isKnown(_ elements: ArraySlice<EmojiScanner.Element>) -> Bool {
        let bases = elements.map(\.base)
        // Twitter has always joined this one without its selectors.
        if bases == ["👁", "🗨"] { return true }
        guard elements.allSatisfy(\.isQualified) else { return false }
        let first = elements.first?.skinTone, last = elements.last?.skinTone
        if elements.dropFirst().dropLast().contains(where: { $0.skinTone != nil }) { return false }
        switch (first, last) {
        case (nil, nil):
            return plain.contains(bases) || couples.contains(bases) || isFamily(bases) || isPerson(bases)
        case (_, nil):
            return isPerson(bases)
        case (nil, _):
            return false
        default:
            return couples.contains(bases) || first != last && mixedCouples.contains(bases)
        }
    }

    /// A person in a role or of a gender, who may face the other way.
    private static func isPerson(_ bases: [Unicode.Scalar]) -> Bool {
        guard bases.last == "➡" else { return isGendered(bases) || isRole(bases) }
        let person = bases.dropLast()
        if person.count == 1 { return isMoving(bases[0]) }
        return isMoving(bases[0]) && isGendered(Array(person)) || aids.contains(bases[1]) && isRole(Array(person))
    }

    private static func isGendered(_ bases: [Unicode.Scalar]) -> Bool {
        bases.count == 2 && (bases[1] == "♀" || bases[1] == "♂") && hasGenders(bases[0])
    }

    private static func isRole(_ bases: [Unicode.Scalar]) -> Bool {
        bases.count == 2 && persons.contains(bases[0]) && roles.contains(bases[1])
            && (bases[1] != "🎄" || bases[0] == "🧑")
    }

    /// One or two parents, then one or two children.
    private static func isFamily(_ bases: [Unicode.Scalar]) -> Bool {
        let parents = bases.prefix { persons.contains($0) }
        let children = bases.dropFirst(parents.count)
        return families[Array(parents)]?.contains(Array(children)) == true
    }

    private static let persons: [Unicode.Scalar] = ["👨", "👩", "🧑"]

    /// What makes a person one of a calling or a look.
    private static let roles: Set<Unicode.Scalar> = [
        "⚕", "⚖", "✈", "🌾", "🍳", "🍼", "🎄", "🎓", "🎤", "🎨", "🏫", "🏭", "💻", "💼", "🔧", "🔬", "🚀", "🚒", "🦯", "🦰", "🦱", "🦲",
        "🦳", "🦼", "🦽",
    ]

    /// Roles in which one can face the other way.
    private static let aids: Set<Unicode.Scalar> = ["🦯", "🦼", "🦽"]

    private static func isMoving(_ base: Unicode.Scalar) -> Bool { base == "🏃" || base == "🚶" || base == "🧎" }

    private static let families: [[Unicode.Scalar]: Set<[Unicode.Scalar]>] = {
        let children: Set<[Unicode.Scalar]> = [["👦"], ["👧"], ["👧", "👦"], ["👦", "👦"], ["👧", "👧"]]
        let neutral: Set<[Unicode.Scalar]> = [["🧒"], ["🧒", "🧒"]]
        return [
            ["👨"]: children, ["👩"]: children, ["👨", "👩"]: children, ["👨", "👨"]: children, ["👩", "👩"]: children,
            ["🧑"]: neutral, ["🧑", "🧑"]: neutral,
        ]
    }()

    /// Both of a couple have skin tones, or neither has.
    private static let couples: Set<[Unicode.Scalar]> = [
        ["🧑", "🤝", "🧑"], ["👩", "❤", "👨"], ["👨", "❤", "👨"], ["👩", "❤", "👩"],
        ["👩", "❤", "💋", "👨"], ["👨", "❤", "💋", "👨"], ["👩", "❤", "💋", "👩"],
    ]

    /// Two skin tones that differ; where they do not, there is an emoji for both together.
    private static let mixedCouples: Set<[Unicode.Scalar]> = [
        ["👩", "🤝", "👩"], ["👩", "🤝", "👨"], ["👨", "🤝", "👨"], ["🧑", "❤", "🧑"], ["🧑", "❤", "💋", "🧑"], ["🫱", "🫲"],
    ]

    private static let plain: Set<[Unicode.Scalar]> = [
        ["🏳", "🌈"], ["🏳", "⚧"], ["🏴", "☠"], ["🐕", "🦺"], ["🐈", "⬛"], ["🐻", "❄"], ["🐦", "⬛"], ["🐦", "🔥"], ["🍋", "🟩"],
        ["🍄", "🟫"], ["⛓", "💥"], ["❤", "🔥"], ["❤", "🩹"], ["😮", "💨"], ["😵", "💫"], ["😶", "🌫"], ["🙂", "↔"], ["🙂", "↕"],
    ]

    /// People who are drawn as women and as men.
    private static func hasGenders(_ base: Unicode.Scalar) -> Bool {
        switch base.value {
        case 0x26F9, 0x1F3C3...0x1F3C4, 0x1F3CA...0x1F3CC, 0x1F46E...0x1F471, 0x1F473, 0x1F477: true
        case 0x1F481...0x1F482, 0x1F486...0x1F487, 0x1F574...0x1F575, 0x1F645...0x1F647, 0x1F64B: true
        case 0x1F64D...0x1F64E, 0x1F6A3, 0x1F6B4...0x1F6B6, 0x1F926, 0x1F935, 0x1F937...0x1F939: true
        case 0x1F93C...0x1F93E, 0x1F9B8...0x1F9B9, 0x1F9CD...0x1F9CF, 0x1F9D4, 0x1F9D6...0x1F9DF: true
        default: false
        }
    }
}
