"""Corpora by their authors' layouts: the files of a copy, made for a test, and who is in it."""

from collections import Counter
from pathlib import Path

from synthetic import write_ckplus, write_clips, write_pictures

from device.readings import EMOTIONS
from quantize.datasets import Dataset, Split, find_dataset

TESS = [
    *(f"OAF_{code}/OAF_back_{code}.wav" for code in ("angry", "disgust", "fear", "happy", "ps", "sad")),
    *(f"YAF_{code}/YAF_back_{code}.wav" for code in ("angry", "disgust", "fear", "happy", "ps", "sad")),
    *("OAF_neutral/OA_bite_neutral.wav", "YAF_neutral/YAF_bite_neutral.wav"),  # as the authors misname one
]

NEMO = [
    f"samples/{who}_{code}_{number}.wav"
    for code in ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
    for who, number in (("EB0", 1), ("MP0", 12))
]

CREMA_D = [
    f"AudioWAV/{who}_IEO_{code}_XX.wav" for who in (1001, 1002) for code in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
]

EMODB = [f"wav/{name}.wav" for name in ("03a01Wa", "03a01Ea", "08a02Ab", "08b01Fa", "09a01Nb", "10a07Td", "16b10Lb")]

EMOVO = [f"{code}-{who}-b1.wav" for who in ("f1", "m3") for code in ("dis", "gio", "neu", "pau", "rab", "sor", "tri")]

TUREV = [
    f"{who}_{code}_ogul{number}.wav" for who, number in (("1157", ""), ("7895", 1)) for code in ("hl", "kz", "mt", "sk")
]

RAKSHAK = [
    f"webservice/help-safe-{code}-{moment}-{client}.wav"
    for client, moment in (("4e520c6f92b9", "1562998267283"), ("3d9d3e0eb86e", "??"))
    for code in ("angry", "calm", "fearful", "happy")
]

JAFFE = [
    f"{who}.{code}1.{number}.tiff"
    for who, number in (("KA", 39), ("YM", 71))
    for code in ("AN", "DI", "FE", "HA", "NE", "SA", "SU")
]

KDEF = [
    f"KDEF/{who}/{who}{code}{view}.JPG"
    for who, views in (("AF01", ("S", "HL", "FR")), ("BM02", ("S",)))
    for code in ("AF", "AN", "DI", "HA", "NE", "SA", "SU")
    for view in views
]

VOICES = {
    "tess": TESS,
    "nemo": NEMO,
    "crema_d": CREMA_D,
    "emodb": EMODB,
    "emovo": EMOVO,
    "turev": TUREV,
    "rakshak": RAKSHAK,
}

FACES = {"jaffe": JAFFE, "kdef": KDEF}

PEOPLE = {
    "tess": {"OA", "YA"},
    "nemo": {"EB0", "MP0"},
    "crema_d": {"1001", "1002"},
    "emodb": {"03", "08", "09", "10"},
    "emovo": {"F1", "M3"},
    "turev": {"1157", "7895"},
    "rakshak": {"4E520C6F92B9", "3D9D3E0EB86E"},
    "jaffe": {"KA", "YM"},
    "kdef": {"F01", "M02"},
    "ckplus": {"S005", "S010"},
}


def write(name: str, folder: Path) -> Path:
    if name == "ckplus":
        return write_ckplus(folder / name)
    return write_clips(folder / name, VOICES[name]) if name in VOICES else write_pictures(folder / name, FACES[name])


def dataset(name: str) -> Dataset:
    return find_dataset(name, "speech" if name in VOICES else "face")


def shown(split: Split) -> Counter[str]:
    return Counter(str(EMOTIONS[i]) for i in split.test.labels)
