"""Corpora whose file names tell person and emotion: of voices CREMA-D, EMO-DB, EMOVO, nEMO, Rakshak,
TESS and TurEV-DB; of posed faces JAFFE and KDEF.
"""

from __future__ import annotations

import re

from quantize.datasets.common import Dataset
from quantize.datasets.named_files import NamedFiles, codes
from quantize.datasets.pictures import read_face_picture
from quantize.datasets.sound import CONTAINER_SUFFIXES, SOUND_SUFFIXES, read_clip

_CREMA_D_FILES = NamedFiles(
    title="CREMA-D",
    source="AudioWAV (or VideoFlash) of 'CREMA-D' (github.com/CheyneyComputerScience/CREMA-D, a clone with git lfs)",
    example="AudioWAV/1001_DFA_ANG_XX.wav",
    pattern=re.compile(r"(?P<person>1\d{3})_[A-Z]{3}_(?P<code>[A-Z]{3})_[A-Z]{1,2}", re.IGNORECASE),
    codes=codes("ANG angry, DIS disgust, FEA fear, HAP happy, NEU neutral, SAD sad"),
    suffixes=(*SOUND_SUFFIXES, *CONTAINER_SUFFIXES),
    read=read_clip,
    files=7442,
    note="labels are what the actors meant; it has no surprise",
)

CREMA_D = Dataset(
    name="crema_d", kind="speech", terms="CREMA-D: ODbL 1.0 and DbCL 1.0, with attribution", load=_CREMA_D_FILES.load
)
"""91 actors say twelve sentences in six emotions (Cao et al., 2014), from sound files or films."""

_EMODB_FILES = NamedFiles(
    title="EMO-DB",
    source="'Berlin Database of Emotional Speech' (emodb.bilderbar.info, folder wav)",
    example="wav/03a01Fa.wav",
    pattern=re.compile(r"(?P<person>\d{2})[ab]\d{2}(?P<code>[A-Z])[a-z]?", re.IGNORECASE),
    codes=codes("W angry, E disgust, A fear, F happy, N neutral, T sad, L none"),
    suffixes=SOUND_SUFFIXES,
    read=read_clip,
    files=535,
    note="boredom is left out; it has no surprise",
)

EMODB = Dataset(name="emodb", kind="speech", terms="EMO-DB: for research use", load=_EMODB_FILES.load)
"""Ten German actors say ten sentences in seven emotions, one of them boredom (Burkhardt et al., 2005)."""

_NEMO_FILES = NamedFiles(
    title="nEMO",
    source="'nEMO' (github.com/amu-cai/nEMO, folder samples)",
    example="SK0_anger_1.wav",
    pattern=re.compile(r"(?P<person>[A-Z]{2}\d)_(?P<code>[a-z]+)_\d+", re.IGNORECASE),
    codes=codes("ANGER angry, FEAR fear, HAPPINESS happy, NEUTRAL neutral, SADNESS sad, SURPRISED surprise"),
    suffixes=SOUND_SUFFIXES,
    read=read_clip,
    files=4481,
    note="it has no disgust",
)

NEMO = Dataset(
    name="nemo", kind="speech", terms="nEMO: CC BY-NC-SA 4.0, non-commercial use only", load=_NEMO_FILES.load
)
"""Nine Polish speakers act six emotions (Christop, 2024)."""

_TESS_FILES = NamedFiles(
    title="TESS",
    source="'Toronto emotional speech set (TESS)' (doi 10.5683/SP2/E8H2MF)",
    example="OAF_back_angry.wav",
    pattern=re.compile(r"(?P<person>OA|YA)F?_.+_(?P<code>[a-z]+)", re.IGNORECASE),  # the authors' own OA_bite_neutral
    codes=codes("ANGRY angry, DISGUST disgust, FEAR fear, HAPPY happy, NEUTRAL neutral, PS surprise, SAD sad"),
    suffixes=SOUND_SUFFIXES,
    read=read_clip,
    files=2800,
    note="pleasant surprise is surprise",
)

TESS = Dataset(
    name="tess", kind="speech", terms="TESS: CC BY-NC-ND 4.0, non-commercial use only", load=_TESS_FILES.load
)
"""Two actresses say 200 words each in seven emotions (Pichora-Fuller & Dupuis, 2020)."""

_EMOVO_FILES = NamedFiles(
    title="EMOVO",
    source="'EMOVO, an Italian emotional speech database' (voice.fub.it/activities/corpora/emovo)",
    example="dis-f1-b1.wav",
    pattern=re.compile(r"(?P<code>[a-z]{3})-(?P<person>[fm]\d)-[a-z]+\d", re.IGNORECASE),
    codes=codes("DIS disgust, GIO happy, NEU neutral, PAU fear, RAB angry, SOR surprise, TRI sad"),
    suffixes=SOUND_SUFFIXES,
    read=read_clip,
    files=588,
    note="gioia (joy) is happy",
)

EMOVO = Dataset(name="emovo", kind="speech", terms="EMOVO: free for research", load=_EMOVO_FILES.load)
"""Six Italian actors say 14 sentences in seven emotions (Costantini et al., 2014)."""

_TUREV_FILES = NamedFiles(
    title="TurEV-DB",
    source="'TurEV-DB' (github.com/Xeonen/TurEV-DB)",
    example="1157_kz_acik.wav",
    pattern=re.compile(r"(?P<person>\d{4})_(?P<code>[a-z]{2})_[a-z]+\d?", re.IGNORECASE),
    codes=codes("HL sad, KZ angry, MT happy, SK neutral"),
    suffixes=SOUND_SUFFIXES,
    read=read_clip,
    files=1735,
    note="calm is neutral; it has no disgust, fear and surprise",
)

TUREV = Dataset(
    name="turev", kind="speech", terms="TurEV-DB: CC BY-NC-ND 4.0, non-commercial use only", load=_TUREV_FILES.load
)
"""Six Turkish speakers act single words in four emotions (Canpolat et al., 2020)."""

_RAKSHAK_FILES = NamedFiles(
    title="the Indian EmoSpeech Command Dataset",
    source="'Indian EmoSpeech Command Dataset' (arXiv 1910.13801)",
    example="webservice/help-safe-angry-1562998267283-4e520c6f92b9.wav",
    pattern=re.compile(r"[a-z]+-[a-z]+-(?P<code>[a-z]+)-[\d?]+-(?P<person>[0-9a-f]+)", re.IGNORECASE),
    codes=codes("ANGRY angry, CALM neutral, FEARFUL fear, HAPPY happy"),
    suffixes=SOUND_SUFFIXES,
    read=read_clip,
    files=None,
    note="calm is neutral; it has no disgust, sad and surprise; who spoke is told by telephone alone",
)

RAKSHAK = Dataset(
    name="rakshak",
    kind="speech",
    terms="Indian EmoSpeech Command Dataset: CC BY-NC-SA 4.0, non-commercial use only",
    load=_RAKSHAK_FILES.load,
)
"""Commands in Hindi and English on people's own telephones, in four emotions asked for (Banga et al., 2019)."""

_JAFFE_FILES = NamedFiles(
    title="JAFFE",
    source="'The Japanese Female Facial Expression (JAFFE) Dataset' (Zenodo record 3451524)",
    example="KA.AN1.39.tiff",
    pattern=re.compile(r"(?P<person>[A-Z]{2})\.(?P<code>[A-Z]{2})\d\.\d+", re.IGNORECASE),
    codes=codes("AN angry, DI disgust, FE fear, HA happy, NE neutral, SA sad, SU surprise"),
    suffixes=(".tiff", ".tif", ".png", ".jpg"),
    read=read_face_picture,
    files=213,
    note="faces by the appliance's own detector and crop",
)

JAFFE = Dataset(name="jaffe", kind="face", terms="JAFFE: non-commercial research use only", load=_JAFFE_FILES.load)
"""Ten Japanese women pose seven expressions, 213 pictures (Lyons et al., 1998)."""

_KDEF_FILES = NamedFiles(
    title="KDEF, seen from the front",
    source="'KDEF_and_AKDEF.zip' (kdef.se)",
    example="KDEF/AF01/AF01ANS.JPG",
    pattern=re.compile(r"[AB](?P<person>[FM]\d{2})(?P<code>[A-Z]{2})S", re.IGNORECASE),  # S: straight
    codes=codes("AF fear, AN angry, DI disgust, HA happy, NE neutral, SA sad, SU surprise"),
    suffixes=(".jpg", ".jpeg", ".png"),
    read=read_face_picture,
    files=980,
    note="the view from the front (S); faces by the appliance's own detector and crop",
)

KDEF = Dataset(name="kdef", kind="face", terms="KDEF: non-commercial research use only", load=_KDEF_FILES.load)
"""70 people pose seven expressions twice (Lundqvist et al., 1998), as seen from the front."""
