import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from optimlib.data import load_digits

(x, y), _, (x_test, y_test) = load_digits()
x, x_test = torch.tensor(x).float(), torch.tensor(x_test).float()
y, y_test = torch.tensor(y), torch.tensor(y_test)
torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Linear(64, 32),
    torch.nn.ReLU(),
    torch.nn.Dropout(0.2),
    torch.nn.Linear(32, 10),
)
kernels = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim == 1]
opt = torch.optim.AdamW(
    [
        {"params": kernels, "weight_decay": 0.01},
        {"params": others, "weight_decay": 0.0},
    ],
    lr=0.01,
)
scheduler = SequentialLR(
    opt,
    [
        LinearLR(opt, start_factor=0.01, total_iters=50),
        CosineAnnealingLR(opt, T_max=450),
    ],
    milestones=[50],
)
loss = torch.nn.CrossEntropyLoss()
for epoch in range(20):
    model.train()
    for i, piece in enumerate(torch.randperm(len(x)).split(20)):
        part = loss(model(x[piece]), y[piece]) / 2
        part.backward()  # adds to the gradients that are there
        if i % 2 == 1:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            scheduler.step()
            opt.zero_grad()
model.eval()
with torch.no_grad():
    accuracy = (model(x_test).argmax(dim=1) == y_test).double().mean().item()
