//! Weights of the detectors of generated images: sources, checksums and terms as their papers' repositories state them.

use super::sets::{CLIP, HubRepository, Member, ModelSet, Terms, UrlFile};

const COMMUNITY_FORENSICS_384: HubRepository = HubRepository {
    id: "commfor-384",
    title: "Community Forensics, ViT-S/16 at 384 pixels",
    license: "MIT",
    repository: "OwensLab/commfor-model-384",
    revision: "main",
    weights: &["model.safetensors"],
    others: &["config.json"],
};

const RINE_HEAD: UrlFile = UrlFile {
    id: "rine-head",
    title: "RINE, trained on two classes: the head on CLIP ViT-L/14",
    license: "Apache-2.0",
    file_name: "rine_model_2class_trainable.pth",
    url: "https://raw.githubusercontent.com/mever-team/rine/main/ckpt/model_2class_trainable.pth",
    sha256_start: "680d301b6d191da8",
    git_blob: "",
    is_public: true,
};

const UNIVFD_HEAD: UrlFile = UrlFile {
    id: "univfd-head",
    title: "UnivFD: the head on CLIP ViT-L/14",
    license: "MIT",
    file_name: "univfd_fc_weights.pth",
    url: "https://raw.githubusercontent.com/WisconsinAIVision/UniversalFakeDetect/main/pretrained_weights/fc_weights.pth",
    sha256_start: "477100745713bcc9",
    git_blob: "",
    is_public: true,
};

const CLIPDET_HEAD: UrlFile = UrlFile {
    id: "clipdet-head",
    title: "ClipDet latent10k+: the head on OpenCLIP ViT-L/14",
    license: "Apache-2.0",
    file_name: "clipdet_latent10k_plus.pth",
    url: "https://media.githubusercontent.com/media/grip-unina/ClipBased-SyntheticImageDetection/main/weights/\
          clipdet_latent10k_plus/weights.pth",
    sha256_start: "1c9c9f48",
    git_blob: "",
    is_public: true,
};

const OPEN_CLIP_COMMON_POOL: HubRepository = HubRepository {
    id: "open-clip-l14",
    title: "OpenCLIP ViT-L/14, CommonPool XL",
    license: "MIT",
    repository: "laion/CLIP-ViT-L-14-CommonPool.XL-s13B-b90K",
    revision: "main",
    weights: &[
        "open_clip_model.safetensors",
        "open_clip_pytorch_model.safetensors",
        "open_clip_pytorch_model.bin",
    ],
    others: &["open_clip_config.json"],
};

const NPR_NETWORK: UrlFile = UrlFile {
    id: "npr-network",
    title: "NPR, trained on ProGAN",
    license: "none stated",
    file_name: "NPR.pth",
    url: "https://raw.githubusercontent.com/chuangchuangtan/NPR-DeepfakeDetection/main/NPR.pth",
    sha256_start: "",
    git_blob: "2430d34a6d6a1143d46d4276a05536770b1a2a97",
    is_public: true,
};

const SAFE_NETWORK: UrlFile = UrlFile {
    id: "safe-network",
    title: "SAFE, trained on ProGAN",
    license: "Apache-2.0",
    file_name: "safe_checkpoint-best.pth",
    url: "https://raw.githubusercontent.com/Ouxiang-Li/SAFE/main/checkpoint/checkpoint-best.pth",
    sha256_start: "",
    git_blob: "21e7aceb520a44ffcdf09234aae8f02b5986f80a",
    is_public: true,
};

/// A file that no stable public address serves.
const fn by_hand(
    id: &'static str,
    title: &'static str,
    license: &'static str,
    file_name: &'static str,
    from: &'static str,
) -> Member {
    Member::Url(UrlFile {
        id,
        title,
        license,
        file_name,
        url: from,
        sha256_start: "",
        git_blob: "",
        is_public: false,
    })
}

const NOT_STATED: Terms =
    Terms::Restricted("their source states no license, so only what the law allows is permitted");

/// What needs no login and has a permissive license.
pub(super) const DEFAULT: ModelSet = ModelSet {
    id: "forensics",
    title: "three detectors of generated images: community-forensics, rine and univfd",
    members: &[
        Member::Hub(COMMUNITY_FORENSICS_384),
        Member::Url(RINE_HEAD),
        Member::Url(UNIVFD_HEAD),
        Member::Hub(CLIP),
    ],
    terms: Terms::Free,
};

pub(super) const COMMUNITY_FORENSICS: ModelSet = ModelSet {
    id: "community-forensics",
    title: "detector of generated images (Park and Owens, CVPR 2025)",
    members: &[Member::Hub(COMMUNITY_FORENSICS_384)],
    terms: Terms::Free,
};

pub(super) const RINE: ModelSet = ModelSet {
    id: "rine",
    title: "detector of generated images (Koutlis and Papadopoulos, ECCV 2024)",
    members: &[Member::Url(RINE_HEAD), Member::Hub(CLIP)],
    terms: Terms::Free,
};

pub(super) const UNIVFD: ModelSet = ModelSet {
    id: "univfd",
    title: "detector of generated images (Ojha et al., CVPR 2023)",
    members: &[Member::Url(UNIVFD_HEAD), Member::Hub(CLIP)],
    terms: Terms::Free,
};

pub(super) const CLIPDET: ModelSet = ModelSet {
    id: "clipdet",
    title: "detector of generated images (Cozzolino et al., CVPR 2024 workshops)",
    members: &[Member::Url(CLIPDET_HEAD), Member::Hub(OPEN_CLIP_COMMON_POOL)],
    terms: Terms::Free,
};

pub(super) const NPR: ModelSet = ModelSet {
    id: "npr",
    title: "detector of generated images (Tan et al., CVPR 2024)",
    members: &[Member::Url(NPR_NETWORK)],
    terms: NOT_STATED,
};

pub(super) const SAFE: ModelSet = ModelSet {
    id: "safe",
    title: "detector of generated images (Li et al., KDD 2025)",
    members: &[Member::Url(SAFE_NETWORK)],
    terms: Terms::Free,
};

pub(super) const CNNSPOT: ModelSet = ModelSet {
    id: "cnnspot",
    title: "detector of generated images (Wang et al., CVPR 2020)",
    members: &[by_hand(
        "cnnspot-network",
        "CNNSpot, blurred and compressed with probability 0.5",
        "CC BY-NC-SA 4.0",
        "blur_jpg_prob0.5.pth",
        "https://www.dropbox.com/s/2g2jagq2jn1fd0i/blur_jpg_prob0.5.pth?dl=1",
    )],
    terms: Terms::Restricted("CC BY-NC-SA 4.0: not for commercial use"),
};

pub(super) const DRCT: ModelSet = ModelSet {
    id: "drct",
    title: "detector of generated images (Chen et al., ICML 2024)",
    members: &[by_hand(
        "drct-network",
        "DRCT, ConvNeXt-B or CLIP ViT-L/14",
        "none stated",
        "drct.pth",
        "pretrained.zip of the ModelScope data set BokingChen/DRCT-2M",
    )],
    terms: NOT_STATED,
};

pub(super) const EFFORT: ModelSet = ModelSet {
    id: "effort",
    title: "detector of generated images (Yan et al., ICML 2025)",
    members: &[by_hand(
        "effort-network",
        "Effort, CLIP ViT-L/14 with a trained residual",
        "CC BY-NC 4.0",
        "effort.pth",
        "https://drive.google.com/file/d/1UXf1hC9FC1yV93uKwXSkdtepsgpIAU9d (GenImage, Stable Diffusion 1.4)",
    )],
    terms: Terms::Restricted("CC BY-NC 4.0: not for commercial use"),
};

pub(super) const C2P_CLIP: ModelSet = ModelSet {
    id: "c2p-clip",
    title: "detector of generated images (Tan et al., AAAI 2025)",
    members: &[by_hand(
        "c2p-clip-network",
        "C2P-CLIP, tuned CLIP ViT-L/14",
        "none stated",
        "c2p_clip.pth",
        "https://www.now61.com/f/95OefW/C2P_CLIP_release_20240901.zip",
    )],
    terms: NOT_STATED,
};

pub(super) const FATFORMER: ModelSet = ModelSet {
    id: "fatformer",
    title: "detector of generated images (Liu et al., CVPR 2024)",
    members: &[by_hand(
        "fatformer-network",
        "FatFormer, CLIP ViT-L/14 with adapters",
        "Apache-2.0",
        "fatformer.pth",
        "https://drive.google.com/file/d/1Q_Kgq4ygDf8XEHgAf-SgDN6Ru_IOTLkj",
    )],
    terms: Terms::Free,
};

pub(super) const AIDE: ModelSet = ModelSet {
    id: "aide",
    title: "detector of generated images (Yan et al., ICLR 2025)",
    members: &[by_hand(
        "aide-network",
        "AIDE, two ResNet-50 and ConvNeXt-XXL",
        "MIT",
        "aide.pth",
        "https://drive.google.com/drive/folders/1qx76UFvDpgCxaPLBCmsA2WY-SSzeJrd4",
    )],
    terms: Terms::Free,
};

pub(super) const B_FREE: ModelSet = ModelSet {
    id: "b-free",
    title: "detector of generated images (Guillaro et al., CVPR 2025)",
    members: &[by_hand(
        "b-free-network",
        "B-Free, DINOv2 ViT-B/14 with registers",
        "of GRIP-UNINA, non-profit use",
        "bfree.pth",
        "https://www.grip.unina.it/download/prog/B-Free/weights/BFREE_dino2reg4.zip (the .pth file in it)",
    )],
    terms: Terms::Restricted("license of GRIP-UNINA: nonprofit use only"),
};
