"""Sentences of many scripts, words split by hand where spaCy needs another library for it."""

# Words of a text with nothing between them: Japanese and Thai do not write spaces.
WORDS: dict[str, list[list[str]]] = {
    "ja": [
        ["東京", "は", "日本", "の", "首都", "です", "。"],
        ["私", "は", "昨日", "、", "京都", "で", "ラーメン", "を", "食べ", "まし", "た", "。"],
        ["データ", "ベース", "の", "バックアップ", "を", "取る", "。"],
        ["彼女", "が", "「", "行こ", "う", "」", "と", "言っ", "た", "。"],
        ["ﾊﾝｶｸ", "カタカナ", "と", "全角", "ＡＢＣ", "１２３"],
        ["がぎぐ", "か\u3099き\u3099", "ぱぴぷ"],  # composed and not composed
    ],
    "th": [
        ["ฉัน", "ชอบ", "กิน", "ข้าว", "ผัด"],
        ["กรุงเทพมหานคร", "เป็น", "เมืองหลวง", "ของ", "ประเทศไทย"],
        ["น้ำ", "แข็ง", "ใน", "ตู้เย็น"],
        ["วันที่", "๑๒", "สิงหาคม", "๒๕๖๗"],
    ],
}
TEXTS: dict[str, list[str]] = {
    "de": ["Straßenbahnfahrer in Österreich müssen großzügig sein.", "ÄÖÜ äöü ẞ ß İi ŉ ﬁ ﬂ"],
    "es": ["¿Dónde está el niño? ¡Aquí está, señor!", "La cigüeña voló sobre el pingüino."],
    "zh": ["我爱自然语言处理，也爱北京的秋天。", "２０２４年，GDP增长了5.2％。", "𠮷野家在東京。"],
    "ko": ["안녕하세요, 저는 서울에 살아요.", "\u1112\u1161\u11ab글"],
    "ar": ["السَّلَامُ عَلَيْكُمْ", "قال: «نعم»، ثم ذهب."],
    "hi": ["मैं हिन्दी में लिख रहा हूँ।", "क्षत्रिय ज्ञान"],
    "mixed": [
        "今天的meeting改到3pm，OK吗？",
        "Das Meeting war nice, 但是太长了 lol",
        "私はJavaScriptをlove💛しています",
        "ich hab' gestern のラーメン gegessen :-)",
        "C++とRustを比較—why not?",
    ],
    "emoji": [
        "👍🏽 great 👨‍👩‍👧‍👦 family 🏳️‍🌈!",
        "🇩🇪🇫🇷 flags, keycap 1️⃣ and ☕️.",
        "😂😂😂no space😂between",
        "e\u0301 combining, zero\u200bwidth, soft\u00adhyphen, \ufeffBOM",
        "x²+y³ ½ ℃ ㎏ ﷺ ①②③ ™",
    ],
}
