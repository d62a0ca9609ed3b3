"""Words that invented people and answers are made of."""

WORDS = (
    "stable", "mild", "left", "right", "morning", "after", "visit", "noted", "by", "site", "staff", "without",
    "treatment", "resolved", "repeated", "within", "normal", "limits", "subject", "reported", "brief", "device",
    "removed", "replaced", "checked", "confirmed", "entered", "late", "corrected", "per", "protocol", "review",
)  # fmt: skip
TERMS = (
    "Headache", "Dizziness", "Nausea", "Back pain", "Cough", "Fatigue", "Groin haematoma", "Ankle swelling",
    "Palpitations", "Rash", "Insomnia", "Cold hands", "Dry mouth", "Leg cramps", "Nose bleed", "Ear ringing",
    "Joint stiffness", "Stomach ache", "Itching", "Blurred vision",
)  # fmt: skip
DRUGS = (
    "Tensolar", "Nefradin", "Diurex", "Calvopin", "Betaxine", "Aspirol", "Statoril", "Metrafan", "Omepral",
    "Vitamin D",
)  # fmt: skip
FIRST_NAMES = (
    "Amélie", "Bo", "Chris", "Dana", "Emre", "Fatou", "Goran", "Hana", "Ines", "Jun", "Kofi", "Lena", "Mika",
    "Noor", "Otto", "Pia", "Quentin", "Rosa",
)  # fmt: skip
LAST_NAMES = (
    "Coordonnée", "Monitor", "Coder", "Datta", "Evren", "Fall", "Gruber", "Hoshi", "Ibarra", "Jansen", "Kone",
    "Lind", "Mori", "Nasser", "Ott", "Pons",
)  # fmt: skip
