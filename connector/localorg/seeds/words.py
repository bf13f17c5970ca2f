"""Word lists that names are drawn from, and the texts that break naive software. Read by the seeds only."""

from __future__ import annotations

from random import Random

FIRST_NAMES = (
    "Ada", "Amara", "Ana", "Bram", "Carlos", "Chen", "Chloé", "Dagny", "Elif", "Emeka", "Fatima", "Freya", "Giulia",
    "Hana", "Hugo", "Ines", "Ivan", "Jamal", "Jens", "Kaori", "Lars", "Leila", "Lucía", "Magnus", "Mei", "Nadia",
    "Noah", "Olga", "Oscar", "Priya", "Quentin", "Ravi", "Rosa", "Saoirse", "Sven", "Tariq", "Uma", "Viktor", "Wanjiru",
    "Yusuf", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Aydin", "Bakker", "Barros", "Bianchi", "Castillo", "Chaudhry", "Dubois", "Eriksen", "Fischer", "García",
    "Haddad", "Ito", "Jansen", "Kowalski", "Lindqvist", "MacLeod", "Meyer", "Nakamura", "Nguyen", "O'Brien", "Okafor",
    "Petrov", "Quiroga", "Rossi", "Schmidt", "Silva", "Tanaka", "Ueda", "van der Berg", "Weber", "Xu", "Yılmaz",
    "Zhang",
)  # fmt: skip
COMPANY_FRONTS = (
    "Alder", "Amber", "Atlas", "Beacon", "Birch", "Blue Harbor", "Brightwater", "Cedar", "Cobalt", "Copper Hill",
    "Crescent", "Delta", "Eastgate", "Ember", "Evergreen", "Falcon", "Fjord", "Granite", "Greenfield", "Harbor",
    "Helix", "Highland", "Ironwood", "Juniper", "Keystone", "Lakeside", "Lighthouse", "Maple", "Meridian", "Monarch",
    "Northwind", "Oak Ridge", "Orchard", "Pacific", "Pinnacle", "Quarry", "Red Rock", "Riverbend", "Sable", "Sierra",
    "Silverline", "Solstice", "Summit", "Tidewater", "Timber", "Union", "Vantage", "Westbrook", "Willow", "Zenith",
)  # fmt: skip
COMPANY_ENDS = (
    "Analytics", "Bank", "Biotech", "Builders", "Clinics", "Energy", "Foods", "Freight", "Hotels", "Insurance",
    "Labs", "Logistics", "Manufacturing", "Media", "Motors", "Networks", "Outfitters", "Partners", "Pharma", "Press",
    "Retail", "Robotics", "Schools", "Software", "Studios", "Systems", "Textiles", "Travel", "Utilities", "Works",
)  # fmt: skip
COMPANY_FORMS = ("Inc.", "LLC", "GmbH", "B.V.", "S.A.", "Ltd", "AB", "Group", "& Co.", "Holding")
INDUSTRIES = ("Banking", "Biotechnology", "Education", "Energy", "Finance", "Healthcare", "Insurance", "Manufacturing",
              "Media", "Retail", "Technology", "Transportation", "Utilities")  # fmt: skip
CITIES = (
    ("Amsterdam", "Netherlands"), ("Austin", "United States"), ("Berlin", "Germany"), ("Boston", "United States"),
    ("Denver", "United States"), ("Dublin", "Ireland"), ("Lisbon", "Portugal"), ("London", "United Kingdom"),
    ("Milan", "Italy"), ("Nairobi", "Kenya"), ("Osaka", "Japan"), ("São Paulo", "Brazil"), ("Toronto", "Canada"),
    ("Zürich", "Switzerland"),
)  # fmt: skip
TITLES = (
    "Chief Operating Officer", "VP Operations", "Head of IT", "IT Manager", "Operations Manager", "Project Lead",
    "Finance Director", "Procurement Manager", "Systems Administrator", "Business Analyst", "Team Lead", "Assistant",
)  # fmt: skip
ROLES = ("Decision Maker", "Economic Buyer", "Executive Sponsor", "Business User", "Technical Buyer", "Influencer")

HOSTILE_NAMES = (
    "O'Malley & Sons, \"The Best\" Ltd.",
    "Robert'); DROP TABLE Account;--",
    "' OR Name != '",
    "<script>alert('crm')</script>",
    "<b>Bold</b> & <i>Italic</i> &amp; Co.",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "+1-800-HOSTILE",
    "-2+3 Consulting",
    "Comma, Semicolon; Tab\tand Pipe|",
    "Two\nLine Company",
    "Windows\r\nLine Endings",
    "Back\\slash \\n and C:\\temp\\",
    "100% _underscore_ wild%card",
    "{Name} and {{7*7}} and ${HOME}",
    "%s %d %n",
    "../../etc/hosts",
    "NULL",
    "None",
    "#N/A",
    "undefined",
    "true",
    "00123",
    "1e309",
    "🚀 Rocket 👩‍👩‍👧‍👦 Family 🇳🇱",
    "مؤسسة النور للتجارة",
    "חברת הדוגמה בע\"מ",
    "\u202egnitluser\u202c Mirror",
    "株式会社サンプル",
    "İstanbul Şirketi",
    "Straße & ẞ GmbH",
    "Ｆｕｌｌ　Ｗｉｄｔｈ",
    "Zero\u200bWidth\u200dJoin",
    "e\u0301 versus é",
    "Z̷̛a̵͝l̴̈g̶o̷",
    "Non\u00a0breaking\u00a0spaces",
    "[Brackets] (Parens) {Braces} ~`!@#$^*+=?",
    "Select From Where Limit",
    "Very " + "long " * 48 + "name",
)  # fmt: skip


def company_name(rng: Random, taken: set[str]) -> str:
    """An ordinary company name that is not in `taken` yet."""
    while True:
        name = f"{rng.choice(COMPANY_FRONTS)} {rng.choice(COMPANY_ENDS)} {rng.choice(COMPANY_FORMS)}"
        if name not in taken:
            taken.add(name)
            return name


def mail_domain(name: str) -> str:
    """A mail domain in the reserved .example zone, whatever the company is called."""
    letters = "".join(c for c in name.lower() if c.isascii() and c.isalnum())[:24]
    return f"{letters or 'company'}.example"
