import torch

from optimlib.data import load_digits

(x, y), _, (x_test, y_test) = load_digits()
x, y, x_test, y_test = map(torch.tensor, (x.astype("float32"), y, x_test.astype("float32"), y_test))
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
for layer in (model[0], model[2]):
    torch.nn.init.kaiming_normal_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
loss = torch.nn.CrossEntropyLoss()
for epoch in range(20):
    for batch in torch.randperm(len(x)).split(32):
        opt.zero_grad()
        loss(model(x[batch]), y[batch]).backward()
        opt.step()
accuracy = (model(x_test).argmax(dim=1) == y_test).double().mean().item()
